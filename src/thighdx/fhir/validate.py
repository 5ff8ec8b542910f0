"""The check that a resource is what FHIR says it should be; needs the extra ``[fhir]``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from pydantic import ValidationError

from thighdx.errors import EvidenceError
from thighdx.fhir.names import Json
from thighdx.text import counted

__all__ = ["validate"]


def validate(resource: Json) -> None:
    """Check a resource with `fhir.resources`.

    Its models are those of R4B (4.3), which reads the resources used here as R4 (4.0.1) does; the tests also
    check against the JSON schema that HL7 publishes for R4.

    Parameters
    ----------
    resource : dict
        As JSON has it, with its ``resourceType``.

    Raises
    ------
    EvidenceError
        With everything that is wrong; if there is no such type of resource; or if the extra is not installed.
    """
    kind = str(resource.get("resourceType") if isinstance(resource, Mapping) else resource)
    try:
        module = import_module(f"fhir.resources.R4B.{kind.lower()}") if kind.isalpha() else None
        parse = getattr(module, kind, None)
    except ModuleNotFoundError as error:
        if error.name in ("fhir", "fhir.resources"):
            raise EvidenceError(
                "checking resources needs fhir.resources: pip install 'thighdx[fhir]'"
            ) from None
        parse = None
    if parse is None:
        raise EvidenceError(f"resourceType: got {kind!r}, expected a type of FHIR R4 such as 'Bundle'")
    try:
        parse.model_validate(resource)
    except ValidationError as error:
        places = [f"  {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise EvidenceError("\n".join([f"{kind}: {counted(len(places), 'problem')}", *places])) from None
