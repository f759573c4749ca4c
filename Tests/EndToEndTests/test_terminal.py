"""What a person sees on a terminal of 80 columns, and what the shell completes."""

import os
import re
import shutil
import subprocess

import pytest

from command_line_daemon import page
from command_line_harness import binary, daemon, environment, run, terminal  # noqa: F401
from command_line_samples import (
    HOSTILE_ENCODED, HOSTILE_KEY, failure, remediation, rule)
from test_command_line import assert_fits, fill
from test_command_line_remediate import FINISHED, RULE, serve

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
VERBS = [["status"], ["rules"], ["failures", "list"]]


def seen_by(terminal, *arguments, **options):
    screen = terminal(*arguments, columns=80, **options)
    assert screen.finish() == 0, screen.seen
    return screen.seen.replace("\r\n", "\n")


@pytest.mark.parametrize("verb", VERBS, ids="-".join)
def test_80_columns_hold_what_is_shown_in_colours_unless_no_color_is_set(
        daemon, terminal, run, verb):
    fill(daemon)
    daemon.routes["GET /v1/failures"] = page([failure(n, key="long/" * 60) for n in range(3)])
    coloured = seen_by(terminal, *verb)
    assert COLOUR.search(coloured)
    plain = COLOUR.sub("", coloured)
    assert "\x1b" not in plain and "Next: s3remedy " in plain
    assert_fits(plain.split("\nNext: ")[0])  # a command is copied whole, however long its key
    assert "\x1b" not in seen_by(terminal, *verb, env={"NO_COLOR": "1"})
    assert COLOUR.search(seen_by(terminal, *verb, env={"NO_COLOR": ""}))
    assert "\x1b" not in run(*verb).stdout


def test_a_hostile_key_and_rule_send_nothing_to_the_terminal(daemon, terminal):
    hostile = failure(1, key=HOSTILE_KEY, keyEncoded=HOSTILE_ENCODED, ruleId=HOSTILE_KEY,
                      reason=HOSTILE_KEY)
    daemon.routes["GET /v1/failures"] = page([hostile])
    daemon.routes["GET /v1/rules"] = page([rule(HOSTILE_KEY, open=1)])
    for verb in ["failures list", "rules"]:
        text = seen_by(terminal, *verb.split(), env={"NO_COLOR": "1"})
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), text
        assert "\\u{1b}" in text.lower() or "\\n" in text, text


def test_progress_redraws_its_line_on_a_terminal_only(daemon, terminal, run):
    serve(daemon, remediation("finished", outcome=FINISHED))
    text = seen_by(terminal, "remediate", RULE, "--yes")
    assert "\r\x1b[K" in text
    done = run("remediate", RULE, "--yes")
    assert done.returncode == 0 and "remediation rem-1 has started" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout and "\r" not in done.stderr + done.stdout
    assert "has started" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_made_and_parses(run, tmp_path, shell):
    done = run("--generate-completion-script", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "s3remedy" in done.stdout and "remediations" in done.stdout
    path = tmp_path / shell
    path.write_text(done.stdout)
    # Debian's zsh and fish are no packages of ours: a machine that has them has them judge too.
    if shell == "bash" or shutil.which(shell):
        subprocess.run([shell, "-n", str(path)], check=True, timeout=30)


def completed(run, binary, daemon, tmp_path, line):
    """What bash offers behind `line`."""
    script = tmp_path / "completion.bash"
    script.write_text(run("--generate-completion-script", "bash").stdout)
    program = ('source "$1"; COMP_LINE=$2; read -ra COMP_WORDS <<<"$2"; COMP_WORDS+=(""); '
               'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; '
               '_s3remedy s3remedy "" "${COMP_WORDS[COMP_CWORD-1]}"; printf "%s\\n" "${COMPREPLY[@]}"')
    path = f"{binary.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", program, "bash", str(script), line], timeout=30, capture_output=True,
        cwd=tmp_path, text=True, env=environment(daemon.path, PATH=path))
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_states_complete(run, binary, daemon, tmp_path):
    states = ["open", "submitted", "verifying", "replicated", "parked", "gone", "dismissed"]
    assert completed(run, binary, daemon, tmp_path, "s3remedy failures list --state ") == states + ["all"]
    assert completed(run, binary, daemon, tmp_path, "s3remedy failures dismiss --state ") == states


def test_rules_complete_and_none_of_them_is_run_by_the_shell(run, binary, daemon, tmp_path):
    daemon.routes["GET /v1/rules"] = page(
        [rule(open=1), rule("to-archive"), rule("$(touch${IFS}ran)"), rule("`touch ran`"),
         rule('a","b\n')])
    for line in ["failures list --rule ", "rules ", "remediate "]:
        offered = completed(run, binary, daemon, tmp_path, "s3remedy " + line)
        assert [o for o in offered if "/" in o] == ["orders/replicate-all", "orders/to-archive"], line
    assert not (tmp_path / "ran").exists()
