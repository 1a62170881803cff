"""What clients and machines do to a server: leaving at any moment, signals on threads of others, hostile requests."""
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from serving import EMBED, FIXTURES, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")


class HostileCase(Case):
    def start(self, *arguments, models=(f"embed={EMBED}",), **how):
        flags = [flag for model in models for flag in ("-m", model)]
        server = Server(*flags, *arguments, log_path=self.path(f"log{time.monotonic_ns()}"), **how)
        self.addCleanup(server.stop)
        return server


class TestSignals(HostileCase):
    THREAD = """
        #include <pthread.h>
        #include <unistd.h>
        static void *wait_for_ever(void *arg) { for (;;) pause(); return arg; }
        __attribute__((constructor)) static void start(void)
        {
            pthread_t thread;
            pthread_create(&thread, NULL, wait_for_ever, NULL);
        }
        """

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_a_thread_that_a_library_made_before_main_takes_none(self):
        """As OpenBLAS' does, which blocks no signal: the system may give it any that the process gets."""
        library = self.path("thread.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-pthread", "-x", "c", "-", "-o", library], input=self.THREAD.encode(), check=True)
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        server = self.start(environment={"LD_PRELOAD": library, "ASAN_OPTIONS": options})
        end = time.monotonic() + 0.5
        while time.monotonic() < end:  # most while the first thread is busy with the one before
            server.signal(signal.SIGHUP)
        n = server.said().count("read anew")
        server.signal(signal.SIGHUP)
        while server.said().count("read anew") == n:
            self.assertIsNone(server.process.poll(), server.said())
            time.sleep(0.01)
        self.assertEqual(server.stop(), 0)
        self.assertIn("ending", server.said())


class TestLeavers(HostileCase):
    SECONDS = 4

    def leave(self, server, i, end):
        chance = random.Random(i)
        while time.monotonic() < end:
            if i % 3 == 0:
                path, body = "/v1/embeddings", b'{"input": ["a %d", "b"], "model": "embed"}' % chance.randrange(10 ** 9)
            else:
                path, body = "/v1/completions", b'{"model": "c", "prompt": "hi %d", "max_tokens": %d, "stream": %s}' % (
                    chance.randrange(1000), chance.choice([1, 2, 3, 20, 200]), chance.choice([b"true", b"false"]))
            try:
                with socket.create_connection(("127.0.0.1", server.port), timeout=30) as s:
                    s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
                    time.sleep(chance.random() * 0.01)
                    if chance.random() < 0.5:  # a reset
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass

    def test_leaving_at_any_moment(self):
        """The sanitizers' builds see a use of what is freed; all of them, what stays open."""
        server = self.start(models=(f"c={CAUSAL}", f"embed={EMBED}"))
        server.get("/health")
        before = server.get("/metrics.json").json["process"]["open_fds"]
        end = time.monotonic() + self.SECONDS
        threads = [threading.Thread(target=self.leave, args=(server, i, end)) for i in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            figures = server.get("/metrics.json").json
            if figures["http"]["requests_in_flight"] == 1 and figures["process"]["open_fds"] <= before:
                break
            time.sleep(0.1)
        self.assertEqual(figures["http"]["requests_in_flight"], 1)  # this one
        self.assertLessEqual(figures["process"]["open_fds"], before)
        self.assertEqual(server.stop(), 0)


main()
