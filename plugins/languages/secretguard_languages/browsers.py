"""Where a JavaScript file runs. What is put into a browser or an app keeps no secret: a variable is written into it."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from secretguard.rewriting import Document, Surroundings

Why = tuple[str, str]
"""Why a file is left to a person, and what to do."""
BACKEND = "Keep the key in a backend, and let the page ask that. Whoever loads the page can read what is in it."
_PUBLIC_NAME = re.compile(
    r"(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|PUBLIC|GATSBY|VUE_APP|NG_APP|STORYBOOK|PLASMO_PUBLIC)_\w+"
)
_FOR_BROWSERS = frozenset(
    (
        *("@angular/core", "@ionic/core", "@sveltejs/kit", "@vue/cli-service", "astro", "browserify", "electron"),
        *("ember-source", "expo", "gatsby", "laravel-mix", "laravel-vite-plugin", "next", "nuxt", "parcel"),
        *("parcel-bundler", "preact", "react-dom", "react-native", "react-scripts", "solid-js", "svelte", "vite"),
        *("vue", "webpack"),
    )
)
"""Packages that build, or are, what runs in a browser or an app."""
_TEST_RUNNERS = frozenset(("jest", "vitest", "mocha", "react-scripts", "@playwright/test"))
"""They run tests under Node.js."""
_TEST = re.compile(r"(?:^|/)(?:tests?|__tests__|e2e)/|\.(?:test|spec)\.[cm]?[jt]sx?$")
_BROWSER_TEST = re.compile(r"(?:^|/)cypress/(?:e2e|integration|support|component)/|\.cy\.[jt]sx?$")
_SERVER = re.compile(
    r"(?:^|/)(?:server|pages/api)/|(?:^|/)app/(?:.*/)?route\.[jt]sx?$|\.server\.[jt]sx?$|(?:^|/)\+server\.[jt]s$"
    r"|^(?:api|backend|bin|functions|migrations|netlify/functions|prisma|seeds|supabase/functions)/"
    r"|^(?!app\.)[\w.-]+\.config\.[cm]?[jt]s$|^(?:gulpfile|Gruntfile)\.[cm]?[jt]s$"
)
"""Paths in a package of a web application that run on a server, or when it is built."""
_SCRIPTS = re.compile(r"^scripts/")
_NODE = re.compile(r"^#!.*\bnode\b|\bprocess\.(?:argv|exit|cwd|std)|[\"'](?:node:\w+|fs|path|child_process)[\"'/]")
_PUBLIC = re.compile(r"(?:^|/)(?:public|static|assets|www|wwwroot|htdocs|webroot)/")
_BUILT = re.compile(
    r"(?:^|/)(?:dist|node_modules|bower_components|vendor|\.next|\.nuxt|\.output|\.svelte-kit)/"
    r"|[.-](?:min|bundle|chunk)\.[cm]?js$"
)
_PAGE = re.compile(
    r"\bwindow\s*\.|\bdocument\.(?:addEventListener|body|cookie|createElement|documentElement|getElement|head|location"
    r"|querySelector|title|write)|\b(?:local|session)Storage\b|\bimport\.meta\.env\b|\bXMLHttpRequest\b"
    r"|\b(?:chrome|browser)\.(?:runtime|storage|tabs|action|contextMenus|webRequest)\b"
    r"|[\"'](?:react-dom(?:/client)?|vue|svelte|@angular/core)[\"']"
    r"|(?:\$|\bjQuery)\.(?:ajax|getJSON)\(|\bdangerouslyAllowBrowser[\"']?\s*:\s*true\b"
)
_LOADED = re.compile(r"<script\b[^>]*\bsrc\s*=\s*[\"']?([^\"'\s>?#]+)", re.IGNORECASE)
_CLIENT = re.compile(r"^\s*[\"']use client[\"']", re.MULTILINE)
_ON_SERVER = re.compile(r"^\s*[\"']use server[\"']|^\s*import\s+[\"']server-only[\"']", re.MULTILINE)
_LONGEST_LINE = 1000
"""Characters; a longer line was written by a program."""
_WORKER_FILES = ("wrangler.toml", "wrangler.json", "wrangler.jsonc")


def is_public_name(name: str) -> bool:
    """Whether a bundler writes the value of a variable with this name into what it builds."""
    return _PUBLIC_NAME.fullmatch(name) is not None


def why_public(name: str) -> Why:
    """Return why a variable with a public name is no place for a secret."""
    return f"{name} is put into the browser's bundle", BACKEND


def why_exposed(document: Document, around: Surroundings, start: int) -> Why | None:
    """Return why the code at `start` must not read the secret from a variable; None where it runs on a server."""
    text = document.text
    line = text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0]
    if _BUILT.search(document.path) or len(line) > _LONGEST_LINE:
        return "a program has written this file", "Take the value out of what it is built from, and build it again."
    if _CLIENT.search(text) or _BROWSER_TEST.search(document.path):
        return "it runs in a browser", BACKEND
    folder = _nearest(document.path, around, ("package.json",))
    if any(one in around.paths for one in _beside(document.path, _WORKER_FILES)):
        return "a Cloudflare Worker gets its secrets as bindings", "`wrangler secret put`, and read it from `env`."
    if why := _by_manifest(document, around):
        return why
    if _runs_on_server(document, folder, around):
        return None
    if _PUBLIC.search(document.path) or _PAGE.search(text):
        return "it runs in a browser", BACKEND
    if page := _loading_page(document.path, around):
        return f"{page} loads it into a browser", BACKEND
    if folder is None:
        return None
    packages = _packages(around.read(_path(folder, "package.json")))
    if packages is None:
        return "the package.json beside it is not understood, so where it runs is not known", BACKEND
    if found := sorted(packages & _FOR_BROWSERS):
        return f"it may be bundled for a browser: its package uses {found[0]}", BACKEND
    return None


def _by_manifest(document: Document, around: Surroundings) -> Why | None:
    """Return why a file takes no variables that a manifest above it makes part of an extension or of Apps Script."""
    if _nearest(document.path, around, ("appsscript.json",)) is not None:
        return (
            "Apps Script has no environment",
            "Keep it in PropertiesService, and read it there.",
        )
    for path in _beside(document.path, ("manifest.json",)):
        if re.search(r"\"manifest_version\"\s*:", (path in around.paths and around.read(path)) or ""):
            return "it is part of a browser extension", BACKEND
    return None


def _loading_page(path: str, around: Surroundings) -> str:
    """Return a page of the repository that has this file as a script; empty if there is none."""
    for page in sorted(one for one in around.paths if one.lower().endswith((".html", ".htm"))):
        for source in _LOADED.findall(around.read(page) or ""):
            folder = "" if source.startswith("/") else page.rpartition("/")[0]
            loaded = posixpath.normpath(posixpath.join(folder, source.lstrip("/")))
            if loaded == path or (source.startswith("/") and path.endswith(f"/{loaded}")):
                return page
    return ""


def is_for_deno(document: Document, around: Surroundings) -> bool:
    """Whether it certainly runs under Deno."""
    if re.search(r"\bDeno\.\w|[\"'](?:jsr:@|https://deno\.land/)", document.text):
        return True
    folder = _nearest(document.path, around, ("deno.json", "deno.jsonc", "package.json"))
    return folder is not None and _path(folder, "package.json") not in around.paths


def _runs_on_server(document: Document, folder: str | None, around: Surroundings) -> bool:
    """Whether a web application's package says by path or text that this file is never sent to a browser."""
    inside = document.path[len(folder) + 1 :] if folder else document.path
    if _SERVER.search(inside) or _ON_SERVER.search(document.text):
        return True
    if _SCRIPTS.match(inside) and _NODE.search(document.text):
        return True
    if folder is None or not _TEST.search(inside):
        return False
    packages = _packages(around.read(_path(folder, "package.json"))) or frozenset()
    return bool(packages & _TEST_RUNNERS) and not any(one.startswith("karma") for one in packages)


def _packages(text: str | None) -> frozenset[str] | None:
    """Return the packages that a package.json asks for; None if it is not understood."""
    try:
        content = json.loads(text or "")
        groups = [content.get(f"{kind}ependencies", {}) for kind in ("d", "devD", "peerD", "optionalD")]
        return frozenset(name for group in groups for name in group)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def _nearest(path: str, around: Surroundings, names: tuple[str, ...]) -> str | None:
    """Return the closest folder above `path` that has one of the files; None if there is none."""
    found = next((one for one in _beside(path, names) if one in around.paths), None)
    return None if found is None else found.rpartition("/")[0]


def _beside(path: str, names: tuple[str, ...]) -> Iterator[str]:
    for folder in PurePosixPath(path).parents:
        for name in names:
            yield _path("" if str(folder) == "." else str(folder), name)


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
