"""What a person can do about a secret in a JSON file, by what loads it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import Document, Surroundings

_BY_PATH = (
    (r"(?:.*/)?package\.json", "Read it from the environment in the program that the script starts."),
    (r"(?:.*/)?(?:package-lock|npm-shrinkwrap)\.json", "Take the login out of the registry's URL, and install again."),
    (r"(?:.*/)?\.vscode/mcp\.json", "Ask for it once: `${input:…}`, an input of type promptString with `password`."),
    (r"(?:.*/)?\.vscode/settings\.json|.*\.code-workspace", "Keep it in the extension's own store of secrets."),
    (r"(?:.*/)?(?:vercel|now)\.json", "`vercel env add`, and leave the key out here."),
    (r"(?:.*/)?app\.json", "Declare the variable without a value, and set it where the app runs."),
    (r"(?:.*/)?local\.settings\.json", "Take the file out of git: it is for one machine."),
    (r"(?:.*/)?(?:ormconfig|knexfile)\.json", "Make it a JavaScript file that reads process.env."),
    (r"(?:.*/)?(?:nodemon|launchSettings)\.json", "Set the variable where the program is started."),
    (r"(?:.*/)?auth\.json", "Take the file out of git; Composer reads COMPOSER_AUTH."),
    (r"(?:.*/)?claude_desktop_config\.json", "Have the server read the variable from its own environment."),
    (r"(?:.*/)?\.docker/config\.json|(?:.*/)?\.dockerconfigjson", "Take the file out of git, and `docker login`."),
)
_BY_TEXT = (
    (r'"type"\s*:\s*"service_account"', "Take the file out of git; GOOGLE_APPLICATION_CREDENTIALS says where it is."),
    (r'"containerDefinitions"\s*:', "Move it from `environment` to `secrets`, with `valueFrom`."),
    (r'"dialect"\s*:\s*"', "Sequelize reads the variable that `use_env_variable` names."),
)
_DEFAULT = "Have the program that loads the file read the variable."


def advice_for(document: Document, keys: Sequence[str], around: Surroundings) -> str:
    """Return what to do about the value at `keys` of a file."""
    if re.fullmatch(r"(?:.*/)?appsettings(?:\.[\w-]+)?\.json", document.path) and keys:
        return (
            f"Leave the key out: ASP.NET reads the variable {'__'.join(keys)}, "
            f"and in development `dotnet user-secrets set {':'.join(keys)}`."
        )
    folder = document.path.rpartition("/")[0]
    if folder.rpartition("/")[2] == "config" and '"config"' in (around.read("package.json") or ""):
        return "Name the variable in config/custom-environment-variables.json, and leave the key out here."
    for rows, subject, match in ((_BY_PATH, document.path, re.fullmatch), (_BY_TEXT, document.text, re.search)):
        for pattern, advice in rows:
            if match(pattern, subject):
                return advice
    return _DEFAULT
