"""Go, Rust, Java, PHP, Ruby: what stands in the corpus compiles before and after; programs get what they got before.

C#, Kotlin and Scala have no compiler here; their files are parsed with the grammar alone.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from secretguard_languages.php_tags import only_php
from secretguard_languages.syntax import errors, parsed

from plugins.languages.tests.corpus import Case, cases, filled, leaked
from secretguard.testing.rewriting import rewritten

Compile = Callable[[Path, Sequence[Path]], subprocess.CompletedProcess[str]]
SPRING = "org/springframework/beans/factory/annotation/Value.java"


def _run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a tool, with what the cases name unset."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME")}
    kept |= {"GOFLAGS": "-mod=mod", "GO111MODULE": "on", "LANG": "C.UTF-8"}
    return subprocess.run(
        command, cwd=cwd, env=kept | variables, capture_output=True, text=True, timeout=300, check=False
    )


def _go(folder: Path, _: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    (folder / "go.mod").write_text("module corpus\n")
    return _run("go", "vet", "./...", cwd=folder)


def _rust(folder: Path, files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    modules = (f'#[path = "{file}"] pub mod case_{number};\n' for number, file in enumerate(files))
    (folder / "all.rs").write_text("".join(modules))
    options = ("--edition=2021", "--crate-type=lib", "--emit=metadata", "-Awarnings")
    return _run("rustc", *options, "all.rs", cwd=folder)


def _java(folder: Path, files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    spring = folder / SPRING
    spring.parent.mkdir(parents=True)
    spring.write_text(
        "package org.springframework.beans.factory.annotation;\npublic @interface Value { String value(); }\n"
    )
    return _run("javac", "-encoding", "UTF-8", "-proc:none", "-d", "out", spring, *files, cwd=folder)


def _php(folder: Path, files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    done = [_run("php", "-l", file, cwd=folder) for file in files]
    return next((one for one in done if one.returncode), done[0])


def _ruby(folder: Path, files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    script = "ARGV.each { |file| RubyVM::InstructionSequence.compile(File.read(file, encoding: 'bom|utf-8'), file) }"
    return _run("ruby", "-e", script, *files, cwd=folder)


TOOLS: dict[str, tuple[str, Compile]] = {
    "go": ("go", _go),
    "java": ("javac", _java),
    "php": ("php", _php),
    "ruby": ("ruby", _ruby),
    "rust": ("rustc", _rust),
}


def _needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


def _write(folder: Path, language: str, *, after: bool) -> list[Path]:
    """Write each case of a language to a folder of its own; return the files of the language."""
    found = []
    for number, case in enumerate(one for one in cases() if one.source == language):
        text = case.after if after and case.after is not None else case.before
        for path, content in {
            **{path: filled(text).encode() for path, text in case.files.items()},
            case.path: case.written(text),
        }.items():
            file = folder / f"case_{number}" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            if file.suffix not in (".json", ".py", ".xml"):
                found.append(file)
    return found


@pytest.mark.parametrize("language", TOOLS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_case_compiles(language: str, after: bool, tmp_path: Path) -> None:
    tool, compiled = TOOLS[language]
    _needs(tool)
    files = _write(tmp_path, language, after=after)
    assert len(files) > 10
    done = compiled(tmp_path, files)
    assert done.returncode == 0, done.stderr + done.stdout


def test_go_stays_as_gofmt_writes_it(tmp_path: Path) -> None:
    _needs("gofmt")
    files = [one for one in _write(tmp_path, "go", after=True) if b"\r" not in one.read_bytes()]
    done = _run("gofmt", "-l", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "case", [one for one in cases() if one.source in ("csharp", "kotlin", "php", "scala")], ids=str
)
def test_each_case_parses(case: Case) -> None:
    for text in map(filled, (case.before, case.after or case.before)):
        assert errors(parsed(only_php(text) if case.source == "php" else text, case.source)) == 0


PROGRAMS = {
    "main.go": """
        package main

        import "fmt"

        const dsn = "⟨dsn⟩"

        func main() {
            host := "⟨host⟩"
            fmt.Println(dsn)
            fmt.Println(fmt.Sprintf("%d postgresql://⟨user⟩:⟨password⟩@%s/app", 1, host))
            fmt.Println("postgresql://⟨user⟩:⟨password⟩@" + host)
        }
    """,
    "main.rs": """
        fn show(url: &str, header: String) {
            println!("{url} {header}");
        }

        fn main() {
            let host = "⟨host⟩";
            let url = "⟨dsn⟩";
            show("⟨dsn⟩", "password {⟨password⟩}".to_string());
            println!("{} postgresql://⟨user⟩:⟨password⟩@{host}/{name}", 1, name = "app");
            let joined = String::from("a ") + "⟨dsn⟩";
            println!("{joined}{url}");
        }
    """,
    "Main.java": """
        class Main {
            static final String URL = "⟨dsn⟩";

            public static void main(String[] arguments) {
                String host = "⟨host⟩";
                System.out.println(URL);
                System.out.printf("%d postgresql://⟨user⟩:⟨password⟩@%s/app%n", 1, host);
                System.out.println("postgresql://⟨user⟩:⟨password⟩@" + host);
            }
        }
    """,
    "main.rb": """
        host = "⟨host⟩"
        puts '⟨dsn⟩', "postgresql://⟨user⟩:⟨password⟩@#{host}/app"
        puts 'a "b" ⟨password⟩' + host, format("%d ⟨password⟩ %s", 1, host)
        puts <<~TEXT
          url: ⟨dsn⟩
        TEXT
    """,
    "main.php": """
        <p><?= '⟨dsn⟩' ?></p>
        <?php
        $host = '⟨host⟩';
        echo "postgresql://⟨user⟩:⟨password⟩@$host/app", '⟨dsn⟩' . $host, "\\n";
        printf("%d ⟨password⟩ %s\\n", 1, $host);
        echo '⟨dsn⟩' === 'a' ? 1 : 2, strlen('⟨password⟩') + 1;
    """,
}
STARTS = {
    "main.go": ("go", "run", "main.go"),
    "main.rs": ("sh", "-c", "rustc --edition=2021 -Awarnings -o main main.rs && ./main"),
    "Main.java": ("java", "Main.java"),
    "main.rb": ("ruby", "main.rb"),
    "main.php": ("php", "main.php"),
}


def _dedented(text: str) -> str:
    return "\n".join(line[8:] for line in text.split("\n")[1:-1]) + "\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gets_what_it_had(name: str, tmp_path: Path) -> None:
    start = STARTS[name]
    _needs("rustc" if start[0] == "sh" else start[0])
    text = filled(_dedented(PROGRAMS[name]))
    login, kind, family = leaked(Case(name, name, text, None))
    rewrite = rewritten({name: text}, login, kind=kind, family=family)
    assert rewrite.manual == ()
    (tmp_path / name).write_text(text)
    before = _run(*start, cwd=tmp_path)
    (tmp_path / name).write_bytes(rewrite.changes[0].after or b"")
    variables = {one.variable.name: one.spelling.text.reveal() for one in rewrite.variables}
    after = _run(*start, cwd=tmp_path, **variables)
    assert (before.returncode, before.stderr) == (after.returncode, after.stderr) == (0, "")
    assert login.secret.reveal() in before.stdout
    assert after.stdout == before.stdout


@pytest.mark.parametrize("name", ["main.rs", "main.rb", "main.php"])
def test_a_program_stops_where_its_variable_is_not_set(name: str, tmp_path: Path) -> None:
    start = STARTS[name]
    _needs("rustc" if start[0] == "sh" else start[0])
    text = filled(_dedented(PROGRAMS[name]))
    login, kind, family = leaked(Case(name, name, text, None))
    after = rewritten({name: text}, login, kind=kind, family=family).changes[0].after
    (tmp_path / name).write_bytes(after or b"")
    done = _run(*start, cwd=tmp_path)
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stdout + done.stderr
