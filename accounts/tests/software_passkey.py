"""A passkey made of software: answers what a page asks as a browser with an authenticator would."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

HOST = "localhost"
FLAGS = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


@dataclass
class Passkey:
    """``user_handle`` is what its site gave as the id of the user."""

    user_handle: str = ""
    identifier: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> str:
        """The answer to ``options``, which a page has for adding a passkey, as the form sends it."""
        wanted = options["publicKey"]
        self.user_handle = wanted["user"]["id"]
        credential = AttestedCredentialData.create(Aaguid.NONE, self.identifier, self._public_key())
        data = AuthenticatorData.create(_rp_hash(), FLAGS | AuthenticatorData.FLAG.AT, 0, credential)
        response = {
            "clientDataJSON": websafe_encode(_client_data("webauthn.create", wanted["challenge"])),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        return self._said(response, {"credProps": {"rk": True}})

    def get(self, options: dict[str, Any]) -> str:
        """The same for logging in."""
        client_data = _client_data("webauthn.get", options["publicKey"]["challenge"])
        data = AuthenticatorData.create(_rp_hash(), FLAGS, 0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": self.user_handle,
        }
        return self._said(response, {})

    def _public_key(self) -> ES256:
        """Key type EC2, algorithm ES256, curve P-256, and the point (RFC 9053)."""
        point = self.key.public_key().public_numbers()
        return ES256({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def _said(self, response: dict[str, str], extensions: dict[str, Any]) -> str:
        identifier = websafe_encode(self.identifier)
        said = {"id": identifier, "rawId": identifier, "type": "public-key", "response": response}
        return json.dumps({**said, "clientExtensionResults": extensions})


def _client_data(kind: str, challenge: str) -> bytes:
    return CollectedClientData.create(kind, challenge, f"http://{HOST}")


def _rp_hash() -> bytes:
    return hashlib.sha256(HOST.encode()).digest()
