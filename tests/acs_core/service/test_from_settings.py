from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from acs_core.errors import InvalidArgumentError
from acs_core.service.from_settings import tls_context
from acs_core.service.settings import ServiceSettings
from tests.support.tls import self_signed


def test_a_certificate_and_its_key_make_https(tmp_path: Path) -> None:
    assert tls_context(ServiceSettings(**self_signed(tmp_path))) is not None
    assert tls_context(ServiceSettings()) is None


def test_what_is_no_key_or_has_a_password_is_refused_at_once(tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    settings = ServiceSettings(**files)
    key = serialization.load_pem_private_key(files["tls_key"].read_bytes(), None)
    files["tls_key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(InvalidArgumentError, match="cannot be used"):
        tls_context(settings)
    files["tls_key"].write_text("no key")
    with pytest.raises(InvalidArgumentError, match="cannot be used"):
        tls_context(settings)
