"""GitHub and GitLab, by their REST interfaces."""
