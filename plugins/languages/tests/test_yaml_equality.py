"""The check of an edited YAML file."""

from secretguard_languages.yaml_equality import why_different


def test_a_file_whose_alias_loses_its_anchor_is_refused() -> None:
    before = 'a:\n  value: &dsn "x"\nb: *dsn\n'
    assert why_different(before, "a:\n  valueFrom: y\nb: *dsn\n") == "an alias would have no anchor"


def test_an_anchor_of_another_document_is_none() -> None:
    before = "value: &dsn x\n---\nb: &dsn y\nc: *dsn\n"
    assert why_different(before, "valueFrom: x\n---\nb: &dsn y\nc: *dsn\n") == ""
