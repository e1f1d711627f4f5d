"""Forms: how a match is taken apart into user, secret and endpoints. One module a form.

A form is a function `parse(found: Found) -> Iterator[Parts]`; `FORMS` names them as rule files do.
"""

from secretguard.engine.forms import ado, jdbc, keyword, lines, pem, split, uri
from secretguard.engine.parts import Form

FORMS: dict[str, Form] = {
    "token": lines.parse,
    "lines": lines.parse,
    "uri": uri.parse,
    "jdbc": jdbc.parse,
    "keyword": keyword.parse,
    "ado": ado.parse,
    "split": split.parse,
    "pem": pem.parse,
}
