"""cosign takes what `tidegate module sign` signs with its keys, and `tidegate module verify` what cosign signs."""

import os
import pathlib
import shutil
import subprocess

import pytest

# A key that cosign 2.6.5 made, its password `correct horse`.
FIXTURES = pathlib.Path(__file__).parents[2] / "host/manifest/src/tests/fixtures"
PASSWORDS = {"a password": "correct horse", "an empty password": ""}
MANIFEST = b'{\n  "head": "pii-scrub",\n  "revision": 7\n}\n'


@pytest.fixture
def run(tmp_path):
    """Runs a program where the keys are, and says how it ended, on standard output and on standard error."""

    def run(*command, password=None):
        env = {name: value for name, value in os.environ.items() if name != "COSIGN_PASSWORD"}
        if password is not None:
            env["COSIGN_PASSWORD"] = password
        told = subprocess.run(command, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return told.returncode, told.stdout, told.stderr

    return run


@pytest.fixture(params=PASSWORDS.values(), ids=PASSWORDS)
def password(request, tmp_path, run):
    """The password of a key that cosign made, beside a manifest."""
    if "COSIGN" not in os.environ:
        pytest.skip("there is no cosign here")
    made = run(os.environ["COSIGN"], "generate-key-pair", password=request.param)
    assert made[0] == 0, made
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    return request.param


def tidegate(run, line, password=None):
    return run(os.environ["TIDEGATE"], "module", *line.split(), password=password)


def test_cosign_takes_what_tidegate_signs(tmp_path, run, password):
    status, signature, told = tidegate(run, "sign manifest.json --key cosign.key", password)
    assert status == 0, told
    (tmp_path / "manifest.sig").write_text(signature)
    check = "verify-blob --key cosign.pub --insecure-ignore-tlog=true --signature manifest.sig manifest.json"
    status, _, told = run(os.environ["COSIGN"], *check.split())
    assert status == 0 and "Verified OK" in told, told
    (tmp_path / "manifest.json").write_bytes(MANIFEST.replace(b"7", b"8"))
    assert run(os.environ["COSIGN"], *check.split())[0] != 0


def test_tidegate_takes_what_cosign_signs(tmp_path, run, password):
    without_log = "--tlog-upload=false --use-signing-config=false --new-bundle-format=false"
    sign = f"sign-blob --key cosign.key {without_log} --yes manifest.json"
    status, signature, told = run(os.environ["COSIGN"], *sign.split(), password=password)
    assert status == 0, told
    (tmp_path / "manifest.sig").write_text(signature)
    verify = "verify manifest.json --key cosign.pub --signature manifest.sig"
    assert tidegate(run, verify)[0] == 0
    (tmp_path / "manifest.json").write_bytes(MANIFEST.replace(b"7", b"8"))
    status, _, told = tidegate(run, verify)
    assert status != 0 and "none of its signatures" in told, told


def test_a_key_is_opened_with_its_password_alone(tmp_path, run):
    for name in ["cosign.key", "cosign.pub", "manifest.json"]:
        shutil.copy(FIXTURES / name, tmp_path)
    sign = "sign manifest.json --key cosign.key"
    for password, says in [(None, "set COSIGN_PASSWORD"), ("another", "the password is not the one")]:
        status, signature, told = tidegate(run, sign, password)
        assert status != 0 and not signature and says in told, told
    status, signature, told = tidegate(run, sign, "correct horse")
    assert status == 0, told
    (tmp_path / "manifest.sig").write_text(signature)
    assert tidegate(run, "verify manifest.json --key cosign.pub --signature manifest.sig")[0] == 0
