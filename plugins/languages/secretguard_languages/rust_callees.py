"""Rust: which functions take a borrowed string, and which an owned one, where that can be told from the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretguard_languages.syntax import upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

OWNED, BORROWED, AS_STR = "String", "&String", "&str"
_KNOWN = (
    (BORROWED, re.compile(r"(?:\w+::)*(?:Pg|MySql|Sqlite|Any)(?:Pool|Connection)::(?:connect|connect_lazy|establish)")),
    (BORROWED, re.compile(r"(?:\w+::)*(?:tokio_postgres::connect|postgres::Client::connect|Database::connect)")),
    (BORROWED, re.compile(r"(?:\w+::)*(?:Client::with_uri_str|Url::parse|HeaderValue::from_str|Opts::from_url)")),
    (BORROWED, re.compile(r"(?:\w+::)*Connection::connect")),
    (BORROWED, re.compile(r"[\s\S]*PoolOptions::[\s\S]*\.\s*(?:connect|connect_lazy)")),
    (BORROWED, re.compile(r"[\s\S]*\.\s*(?:password|bearer_auth|header|with_api_key)")),
    (OWNED, re.compile(r"(?:\w+::)*(?:redis::Client::open|env::set_var|SecretString::from|PathBuf::from)")),
    (AS_STR, re.compile(r"(?:\w+::)*(?:mysql|mysql_async)::Pool::new")),
)
"""Functions of widely used crates that take a string by reference, of any lifetime, or by value."""
_BY_VALUE = re.compile(r"impl\s+(?:Into<String>|AsRef<str>|Display|ToString)|String")
_BY_REFERENCE = re.compile(r"&(?:'(?!static\b)\w+\s+)?str")


def taken_by(call: SgNode, number: int) -> str:
    """Return how a call takes the string that is its argument of a number; empty where that is not certain."""
    function = call.field("function")
    if function is None:
        return ""
    ways = {_declared(one, number, call) for one in _definitions(function)}
    if ways:
        return ways.pop() if len(ways) == 1 else ""
    return next((way for way, pattern in _KNOWN if pattern.fullmatch(function.text())), "")


def _definitions(function: SgNode) -> list[SgNode]:
    """Return the functions of the file that a call may mean."""
    found = re.search(r"(\w+)\s*(?:::<[^()]*>)?$", function.text())
    root = list(upwards(function))[-1]
    return [
        one
        for one in root.find_all(kind="function_item")
        if found and (name := one.field("name")) is not None and name.text() == found[1]
    ]


def _declared(definition: SgNode, number: int, call: SgNode) -> str:
    """Return how a function takes an argument; what it returns must not borrow from it."""
    parameters, result = definition.field("parameters"), definition.field("return_type")
    if parameters is None or (result is not None and _may_borrow(result)):
        return ""
    given = [one for one in parameters.children() if one.kind() == "parameter"]
    wanted = given[number].field("type") if number < len(given) else None
    parent = call.parent()
    is_awaited = parent is not None and parent.kind() == "await_expression"
    if wanted is None or (re.match(r"[^({]*\basync\b", definition.text()) and not is_awaited):
        return ""
    if _BY_REFERENCE.fullmatch(wanted.text()):
        return BORROWED
    return OWNED if _BY_VALUE.fullmatch(wanted.text()) else ""


def _may_borrow(result: SgNode) -> bool:
    """Whether a type that is returned may hold a reference, hidden in a struct of the file too."""
    text, file = result.text(), list(upwards(result))[-1].text()
    around = next((one for one in upwards(result) if one.kind() == "impl_item"), None)
    if around is not None and "'" in around.text().partition("{")[0]:
        return True
    return re.search(r"[&']|\bimpl\b|\bdyn\b", text) is not None or any(
        re.search(rf"\b(?:struct|enum|type)\s+{name}\s*<\s*'", file) for name in re.findall(r"\w+", text)
    )
