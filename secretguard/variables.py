"""Names of environment variables that are none for a credential: those of the system, and words that name nothing."""

import re

_SYSTEM = re.compile(
    r"BASH_ENV|CDPATH|COLUMNS|DISPLAY|EDITOR|ENV|EUID|GID|HISTFILE|HOME|HOST|HOSTNAME|IFS|LANG|LANGUAGE|LINES|LOGNAME"
    r"|MAIL|MANPATH|OLDPWD|PAGER|PATH|PORT|PPID|PS[1-4]|PWD|RANDOM|SECONDS|SHELL|SHELLOPTS|SHLVL|TERM|TE?MP|TMPDIR|TZ"
    r"|UID|USER|USERNAME|VISUAL|USERPROFILE|(?:LOCAL)?APPDATA|COMPUTERNAME|COMSPEC|PATHEXT|PROGRAM(?:DATA|FILES)"
    r"|SYSTEMROOT|WINDIR|CI|CLASSPATH|JAVA_HOME|JAVA_TOOL_OPTIONS|NODE_(?:ENV|OPTIONS|PATH)|PERL5LIB|RUBY(?:LIB|OPT)"
    r"|PYTHON(?:HOME|PATH|STARTUP)|(?:HTTPS?|NO|ALL)_PROXY|(?:LD|DYLD|LC|XDG|BASH)_\w+"
    r"|SSH_(?:AGENT_PID|ASKPASS|AUTH_SOCK|CLIENT|CONNECTION|TTY)"
    r"|GIT_(?:ASKPASS|CONFIG\w*|DIR|EDITOR|EXEC_PATH|INDEX_FILE|SSH|SSH_COMMAND|WORK_TREE)"
)
_VAGUE = re.compile(
    r"(?:THE_|MY_)?(?:URL|URI|DSN|KEY|TOKEN|SECRET|CONN|CONNECTION|VALUE|SYNC|ASYNC|JDBC|NAME|DATABASE|DATABASES|DB)"
    r"|(?:API|ACCESS)_?KEY|APP|USERS|USER_?ID|LOGIN|PASS(?:WORDS?|WD|PHRASE|CODE)?|PW|CREDENTIALS?|CLIENT_SECRET|DATA"
    r"|CONFIG|SETTINGS|OPTIONS|DEFAULT|DEFAULTS|ENGINE|SERVER|SERVICE|CONNECTION_(?:STRING|UR[LI])|DEFAULT_\w+|TYPE"
    r"|STRING|TEXT|TEST|TODO|FIXME|NOTE"
    # Words of SQL, of Dockerfiles and of HTTP before a literal.
    r"|SELECT|INSERT|INTO|UPDATE|DELETE|FROM|WHERE|VALUES|SET|ALTER|CREATE|DROP|WITH|BY|IDENTIFIED|ROLE|GRANT|REVOKE"
    r"|ENCRYPTED|AND|OR|NOT|LIKE|USING|MAPPING|FOR|EXEC|EXECUTE|CALL|RETURNS?|BEGIN|RUN|CMD|ARG|GET|POST|PUT|HEAD"
)
"""Names that say what a setting is, or nothing: fine where they stand, and of nothing in the whole environment."""


def is_of_system(name: str) -> bool:
    """Whether the system, shells or runtimes give a variable of this name a meaning of its own."""
    return _SYSTEM.fullmatch(name) is not None


def is_telling_name(name: str) -> bool:
    """Whether a name in capitals that stands before a value may be a variable's: one that says what it is for."""
    return not is_of_system(name) and _VAGUE.fullmatch(name) is None
