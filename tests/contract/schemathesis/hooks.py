"""What of the reports of Schemathesis is no fault, and which requests it must not make. Loaded by SCHEMATHESIS_HOOKS."""

import io
import json
import os
import re
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import RejectedPositiveData

# A schema cannot say that a code must be known to this server, that two members differ, or that one follows another.
BEYOND_SCHEMAS = {"unknown_value", "same_as_origin", "out_of_order"}
# The account of an administrator that calls: changes of it would end the run.
CALLER = os.environ.get("CONTRACT_CALLER_ID", "").lower()
# What an `If-Match` must be.
TAGS = r'\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*'
PASSWORD = "correct horse battery"
NOBODY = "00000000-0000-7000-8000-000000000000"


def is_beyond_schemas(response: Response) -> bool:
    """Whether valid data was refused for what a schema cannot say, and for nothing else."""
    if response.status_code == 412:
        # No schema has the ETag that the resource has at that moment.
        return True
    if response.status_code != 400:
        return False
    try:
        problem = json.loads(response.content)
    except ValueError:
        return False
    codes = {fault["code"] for fault in problem.get("errors") or []} if isinstance(problem, dict) else set()
    return bool(codes) and codes <= BEYOND_SCHEMAS


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case, response: Response
) -> bool:
    if isinstance(failure, AcceptedNegativeData):
        return not is_refused_or_right(case, response)
    return not (isinstance(failure, RejectedPositiveData) and is_beyond_schemas(response))


def is_refused_or_right(case: schemathesis.Case, response: Response) -> bool:
    """Whether a request was refused for its version, or the tool itself names nothing in it that is wrong."""
    parts = case.meta.components.values() if case.meta else ()
    return response.status_code == 412 or all(part.mode.is_positive for part in parts)


# Rules that formats stand for, and that no pattern says: the check digit of an air waybill, a password that is not common, an
# address that is public.
schemathesis.openapi.format(
    "awb-number",
    st.builds(lambda prefix, serial: f"{prefix:03}-{serial:07}{serial % 7}", st.integers(0, 999), st.integers(0, 9_999_999)),
)
schemathesis.openapi.format("password", st.from_regex(r"\A[!-~]{8}-[!-~]{8,20}\Z"))
schemathesis.openapi.format("uri", st.from_regex(r"\Ahttps://[a-z]{1,20}\.example\.com/[a-z]{0,20}\Z"))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    if case.meta is None or case.meta.generation.mode.is_positive:
        make_what_it_claims(case)
    protect_caller(case)


def make_what_it_claims(case: schemathesis.Case) -> None:
    """Give requests that the tool calls valid what it cannot know, or does not observe."""
    # A key is for one request. The tool repeats keys with other requests.
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # Its phase "coverage" does not observe patterns with double quotes.
    if not re.fullmatch(TAGS, case.headers.get("If-Match", "*")):
        case.headers["If-Match"] = '"1"'
    # Nothing says what parameters of a query require of each other.
    if case.query.get("price") in (True, "true"):
        case.query.setdefault("weight_kg", 1)
    # A table is bytes to a schema.
    if case.media_type == "text/csv":
        case.body = case.operation.definition.raw["requestBody"]["content"]["text/csv"]["example"]
    change_body(case, what_it_claims)


def change_body(case: schemathesis.Case, change: Callable[[Any], Any]) -> None:
    """Change a body that there is: where there is none, a body that is set counts as a wrong one."""
    if not isinstance(case.body, NotSet):
        case.body = change(case.body)


def what_it_claims(value: Any) -> Any:
    """The same with what the tool does not observe in objects within lists, or no schema says."""
    if isinstance(value, list):
        return [with_address(what_it_claims(entry)) for entry in value]
    if not isinstance(value, dict):
        return value
    value = {name: what_it_claims(member) for name, member in value.items()}
    for name in ("new", "password"):
        # Too common.
        if isinstance(value.get(name), str) and len(set(value[name])) == 1:
            value[name] = PASSWORD
    for party in ("shipper", "consignee"):
        # Only one that the booking has already can be changed without its name.
        if isinstance(value.get(party), dict):
            value[party].setdefault("name", "Lumen Textiles")
    if isinstance(value.get("left_behind"), list):
        # A booking once.
        value["left_behind"] = list({entry["ref_id"]: entry for entry in value["left_behind"]}.values())
    if isinstance(value.get("position_names"), dict):
        # As many on each flight.
        fewest = min(map(len, value["position_names"].values()), default=0)
        value["position_names"] = {flight: names[:fewest] for flight, names in value["position_names"].items()}
    return value


def with_address(entry: Any) -> Any:
    """A contact, which has an e-mail address or a phone number; or the same."""
    if isinstance(entry, dict) and {"name", "role"} <= entry.keys() and not (entry.get("email") or entry.get("phone")):
        return entry | {"email": "bo@forwarder.example"}
    return entry


def protect_caller(case: schemathesis.Case) -> None:
    """Keep an administrator from demoting, disabling or moving the account by which it calls."""
    if CALLER and case.operation.label in ("PATCH /api/v1/users/{id}", "POST /api/v1/users/bulk"):
        case.path_parameters = without_caller(case.path_parameters)
        change_body(case, without_caller)


def without_caller(value: Any) -> Any:
    """The same with the id of nobody in place of the caller's."""
    if isinstance(value, dict):
        return {name: without_caller(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_caller(entry) for entry in value]
    return NOBODY if isinstance(value, str) and value.lower() == CALLER else value


@schemathesis.deserializer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def workbook(context: schemathesis.DeserializationContext, response: Response) -> str:
    """A workbook, which must be one, as the string of bytes that its schema describes."""
    with zipfile.ZipFile(io.BytesIO(response.content)) as parts:
        parts.getinfo("xl/workbook.xml")
    return response.content.decode("latin-1")
