"""The examples of RFC 6376 and RFC 8463, copied from the documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsec.hooks import Cause, Result
from mailsec_dkim.body import BodyCanonicalizer
from mailsec_dkim.header import canonicalize_field


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


# RFC 6376 appendix A.2; the key is that of appendix C.
RFC6376 = crlf("""\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
""")
RFC6376_KEY = (
    b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4j"
    b"YfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QID"
    b"AQAB"
)

# RFC 8463 appendix A.2 and A.3
RFC8463 = crlf("""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""")
RFC8463_KEYS = {
    "brisbane._domainkey.football.example.com": b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
    b"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    b"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
    b"Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
}


async def test_rfc6376_appendix_a(verify_one: Callable[..., Any]) -> None:
    result = await verify_one(RFC6376, {"brisbane._domainkey.example.com": RFC6376_KEY})
    assert (result.result, result.reason) == (Result.PASS, "")
    assert dict(result.properties) == {
        "header.d": "example.com",
        "header.i": "joe@football.example.com",
        "header.s": "brisbane",
        "header.a": "rsa-sha256",
        "header.b": "AuUoFEfD",
    }
    assert result.coverage.fields == (1, 2, 3, 4, 5, 6)
    assert result.coverage.ranges == ((RFC6376.index(b"Hi."), len(RFC6376)),)


async def test_rfc6376_appendix_a_with_one_more_space(verify_one: Callable[..., Any]) -> None:
    changed = RFC6376.replace(b"game. Are", b"game.  Are")
    result = await verify_one(changed, {"brisbane._domainkey.example.com": RFC6376_KEY})
    assert (result.result, result.cause) == (Result.FAIL, Cause.DIGEST)


async def test_rfc8463_appendix_a(verify: Callable[..., Any]) -> None:
    ed25519, rsa = await verify(RFC8463, RFC8463_KEYS)
    assert ed25519.result is rsa.result is Result.PASS
    assert ed25519.properties["header.a"] == "ed25519-sha256"
    assert rsa.properties["header.a"] == "rsa-sha256"
    assert ed25519.coverage.fields == rsa.coverage.fields == (2, 3, 4, 5, 6)


async def test_stored_with_bare_line_feeds(verify: Callable[..., Any]) -> None:
    results = await verify(RFC8463.replace(b"\r\n", b"\n"), RFC8463_KEYS)
    assert [result.result for result in results] == [Result.PASS, Result.PASS]


# RFC 6376 section 3.4.5: <SP> etc. written out
EXAMPLE = (b"A: X \r\n", b"B : Y\t\r\n\tZ  \r\n", b" C \r\nD \t E\r\n\r\n\r\n")


@pytest.mark.parametrize(
    ("algorithm", "fields", "body"),
    [
        pytest.param("relaxed", [b"a:X\r\n", b"b:Y Z\r\n"], b" C\r\nD E\r\n", id="example 1: relaxed"),
        pytest.param("simple", [b"A: X \r\n", b"B : Y\t\r\n\tZ  \r\n"], b" C \r\nD \t E\r\n", id="example 2: simple"),
    ],
)
def test_canonicalization_examples(algorithm: str, fields: list[bytes], body: bytes) -> None:
    """RFC 6376 section 3.4.5 (example 3 combines the two)."""
    assert [canonicalize_field(field, algorithm) for field in EXAMPLE[:2]] == fields
    given: list[bytes] = []
    canonicalizer = BodyCanonicalizer(algorithm)
    canonicalizer.sinks.append(given.append)
    canonicalizer.feed(EXAMPLE[2])
    canonicalizer.finish()
    assert b"".join(given) == body
