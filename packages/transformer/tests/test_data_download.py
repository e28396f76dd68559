"""tiny-shakespeare: fetched once from a server, checked, kept; and what it says when it cannot."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from transformer.data import download, load_text

PLAY = b"First Citizen:\nBefore we proceed any further, hear me speak.\n" * 40


class Server(ThreadingHTTPServer):
    """Answers every request with ``answer`` and counts them."""

    answer = PLAY
    claimed: int | None = None  # the length it says, when not the true one
    requests = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.claimed or len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server in place of the public address, and an empty cache."""
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        address = f"http://127.0.0.1:{server.server_address[1]}/input.txt"
        monkeypatch.setattr(download, "ADDRESS", address)
        monkeypatch.setattr(download, "SHA256", hashlib.sha256(PLAY).hexdigest())
        monkeypatch.setattr(download, "SIZE", len(PLAY))
        yield server
        server.shutdown()
        thread.join()


def kept() -> Path:
    return download.cache_dir() / "tiny-shakespeare.txt"


def test_it_is_fetched_once_and_then_kept(server, tmp_path):
    assert load_text("tiny-shakespeare") == PLAY.decode()
    assert load_text("tiny-shakespeare") == PLAY.decode()
    assert server.requests == 1
    assert kept().read_bytes() == PLAY
    assert kept().is_relative_to(tmp_path / "cache")
    assert os.listdir(kept().parent) == ["tiny-shakespeare.txt"]  # nothing half-written beside it


def test_another_file_is_refused_and_not_kept(server):
    server.answer = PLAY[:-1] + b"?"
    with pytest.raises(ValueError) as error:
        load_text("tiny-shakespeare")
    assert "not the expected file" in str(error.value)
    assert hashlib.sha256(server.answer).hexdigest() in str(error.value)
    assert str(kept()) in str(error.value)
    assert not kept().exists()


def test_a_connection_cut_off_half_way_is_refused(server):
    server.answer, server.claimed = PLAY[:100], len(PLAY)
    with pytest.raises((OSError, ValueError), match="tiny-shakespeare"):
        load_text("tiny-shakespeare")
    assert not kept().exists()


def test_offline_it_says_which_file_to_put_where(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError) as error:
        load_text("tiny-shakespeare")
    said = str(error.value)
    assert "cannot be fetched" in said
    for needed in (download.ADDRESS, str(len(PLAY)), download.SHA256, str(kept())):
        assert needed in said
    kept().parent.mkdir(parents=True)
    kept().write_bytes(PLAY)  # doing what it says helps
    assert load_text("tiny-shakespeare") == PLAY.decode()


def test_a_damaged_cache_is_fetched_again(server):
    load_text("tiny-shakespeare")
    kept().write_bytes(PLAY[:50])
    assert load_text("tiny-shakespeare") == PLAY.decode()
    assert kept().read_bytes() == PLAY
    assert server.requests == 2


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="set XDG_CACHE_HOME to a folder you may write to"):
        load_text("tiny-shakespeare")


def test_the_cache_folder_follows_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(download.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert download.cache_dir() == tmp_path / ".cache" / "gradine"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert download.cache_dir() == tmp_path / ".cache" / "gradine"
    monkeypatch.setattr(download.sys, "platform", "darwin")
    assert download.cache_dir() == tmp_path / "Library" / "Caches" / "gradine"
    monkeypatch.setattr(download.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert download.cache_dir() == tmp_path / "Local" / "gradine"
