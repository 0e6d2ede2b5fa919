"""The OAuth 2 client of Authlib gets a token by the password grant, calls the API with it, and refreshes it."""

import os

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

URL = os.environ["CONTRACT_URL"]
TOKEN = f"{URL}/api/v1/auth/token"
EMAIL = os.environ["CONTRACT_OPERATOR"]
PASSWORD = os.environ["CONTRACT_OPERATOR_PASSWORD"]


def calls(session: OAuth2Session) -> None:
    answer = session.get(f"{URL}/api/v1/auth/me")
    assert answer.status_code == 200, answer.text
    assert answer.json()["email"] == EMAIL


session = OAuth2Session("tests", token_endpoint=TOKEN, token_endpoint_auth_method="none")
first = session.fetch_token(TOKEN, username=EMAIL, password=PASSWORD, grant_type="password")
assert first["token_type"].lower() == "bearer"
assert first["expires_in"] > 0
calls(session)

second = session.refresh_token(TOKEN)
assert second["access_token"] != first["access_token"]
assert second["refresh_token"] != first["refresh_token"]
calls(session)

# An access token that has lapsed is refreshed by the client itself, before the call.
session.token = {**session.token, "expires_at": 1}
calls(session)
assert session.token["access_token"] != second["access_token"]

# Clients that authenticate themselves are served, too: their credentials have no meaning here.
confidential = OAuth2Session("tests", "a secret", token_endpoint_auth_method="client_secret_basic")
confidential.fetch_token(TOKEN, username=EMAIL, password=PASSWORD, grant_type="password")
calls(confidential)

for refused, error in (
    ({"username": EMAIL, "password": "not the password", "grant_type": "password"}, "invalid_grant"),
    ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ({"username": EMAIL, "grant_type": "password"}, "invalid_request"),
):
    try:
        OAuth2Session("tests", token_endpoint_auth_method="none").fetch_token(TOKEN, **refused)
    except OAuthError as problem:
        assert problem.error == error, problem
    else:
        raise AssertionError(f"a token for {sorted(refused)}")
