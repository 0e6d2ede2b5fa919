"""What of the reports of Schemathesis is no fault, and which requests it must not make. Loaded by SCHEMATHESIS_HOOKS."""

import io
import json
import os
import zipfile
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import RejectedPositiveData

# A schema cannot say that a code must be known to this server, that two members differ, or that one follows another.
BEYOND_SCHEMAS = {"unknown_value", "same_as_origin", "out_of_order"}
# The account of an administrator that calls: changes of it would end the run.
CALLER = os.environ.get("CONTRACT_CALLER_ID", "").lower()
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
    if not isinstance(problem, dict) or problem.get("code") != "validation_failed":
        return False
    codes = {fault["code"] for fault in problem.get("errors") or []}
    return bool(codes) and codes <= BEYOND_SCHEMAS


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case, response: Response
) -> bool:
    return not (isinstance(failure, RejectedPositiveData) and is_beyond_schemas(response))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Keep an administrator from demoting, disabling or moving the account by which it calls."""
    if CALLER and case.operation.label in ("PATCH /api/v1/users/{id}", "POST /api/v1/users/bulk"):
        case.path_parameters = without_caller(case.path_parameters)
        case.body = without_caller(case.body)


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
