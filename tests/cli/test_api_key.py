"""`penstock api-key`: what it prints opens the server."""

import io
import tomllib

from penstock.cli import main as cli
from penstock.serving.middleware.api_keys import ApiKeys


def run(*arguments):
    out = io.StringIO()
    assert cli.main(["api-key", *arguments], out) == 0
    return out.getvalue()


def test_the_lines_that_are_printed_know_the_key(tmp_path):
    key, _, lines = run("web", "--role=reader", "--role=writer").partition("\n\n")
    (tmp_path / "keys.toml").write_text(lines)

    found = ApiKeys(tmp_path / "keys.toml").identify(key.encode())

    assert (found.name, found.roles) == ("web", {"reader", "writer"})


def test_keys_are_added_to_a_file_that_others_cannot_read(tmp_path):
    path = tmp_path / "keys.toml"

    first, second = (run(name, f"--add_to={path}").strip() for name in ("a", 'b "c"'))

    known = ApiKeys(path)
    assert [known.identify(key.encode()).name for key in (first, second)] == ["a", 'b "c"']
    assert path.stat().st_mode & 0o077 == 0
    assert len(tomllib.loads(path.read_text())["keys"]) == 2


def test_a_file_of_something_else_is_left(tmp_path, capsys):
    path = tmp_path / "notes.toml"
    path.write_text("[notes]\n")

    assert cli.main(["api-key", "web", f"--add_to={path}"]) == 1

    assert path.read_text() == "[notes]\n"
    assert r"must have [[keys]] only" in capsys.readouterr().err
