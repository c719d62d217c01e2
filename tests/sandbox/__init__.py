"""Tests of the sandbox: from outside, over HTTP, with clients that nobody here wrote."""
