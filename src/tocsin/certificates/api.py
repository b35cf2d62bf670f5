"""Routes of the slice."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from tocsin.certificates.models import (
    CertificateAnswer,
    CertificateChange,
    CertificateChecks,
    CertificateCreated,
    CertificateDetail,
    CertificateList,
    CertificateSource,
    CertificateStatus,
    NewCertificate,
)
from tocsin.certificates.service import Certificates
from tocsin.certificates.store import Sort, Wanted
from tocsin.db.tx import Actor
from tocsin.http.params import Limit, Offset, PathId, Text, choice
from tocsin.http.strict import Strict

TAGS = ["Certificates"]
Order = Annotated[str | None, QueryParameter(description="hostname, or days: those first that end first")]


@get("/api/v1/certificates", operation_id="listCertificates", tags=TAGS)
async def list_certificates(
    certificates: NamedDependency[Certificates],
    status: Text = None,
    source: Text = None,
    sort: Order = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> CertificateList:
    """List watched certificates, each with what the latest check showed."""
    wanted = Wanted(
        status=choice("status", status, CertificateStatus),
        source=choice("source", source, CertificateSource),
        sort=choice("sort", sort, Sort) or Sort.HOSTNAME,
    )
    return await certificates.page(wanted, limit, offset)


@post("/api/v1/certificates", dto=Strict[NewCertificate], return_dto=None, operation_id="createCertificate", tags=TAGS)
async def create_certificate(
    data: JSONBody[NewCertificate], certificates: NamedDependency[Certificates], actor: NamedDependency[Actor]
) -> CertificateCreated:
    """Watch the certificate of a host. Its first check is in the answer, unless that takes more than five seconds."""
    return await certificates.create(data, actor)


@get("/api/v1/certificates/{certificate_id:str}", operation_id="getCertificate", tags=TAGS)
async def get_certificate(certificate_id: PathId, certificates: NamedDependency[Certificates]) -> CertificateDetail:
    """Show one certificate and its chain."""
    return await certificates.get(certificate_id)


@put(
    "/api/v1/certificates/{certificate_id:str}",
    dto=Strict[CertificateChange],
    return_dto=None,
    operation_id="updateCertificate",
    tags=TAGS,
)
async def update_certificate(
    certificate_id: PathId,
    data: JSONBody[CertificateChange],
    certificates: NamedDependency[Certificates],
    actor: NamedDependency[Actor],
) -> CertificateAnswer:
    """Change how a certificate is watched, whatever its source; what is left out stays."""
    return await certificates.change(certificate_id, data, actor)


@delete("/api/v1/certificates/{certificate_id:str}", operation_id="deleteCertificate", tags=TAGS)
async def delete_certificate(
    certificate_id: PathId, certificates: NamedDependency[Certificates], actor: NamedDependency[Actor]
) -> None:
    """Stop watching a certificate, and forget its history. Not for those that an endpoint or a label asks for."""
    await certificates.delete(certificate_id, actor)


@post("/api/v1/certificates/{certificate_id:str}/check", status_code=200, operation_id="checkCertificate", tags=TAGS)
async def check_certificate(certificate_id: PathId, certificates: NamedDependency[Certificates]) -> CertificateDetail:
    """Check a certificate now; after five seconds the answer is what was known before, and the check goes on."""
    return await certificates.check(certificate_id)


@get("/api/v1/certificates/{certificate_id:str}/checks", operation_id="listCertificateChecks", tags=TAGS)
async def list_checks(
    certificate_id: PathId, certificates: NamedDependency[Certificates], limit: Limit = 50, offset: Offset = 0
) -> CertificateChecks:
    """List the checks that showed something new, newest first."""
    return await certificates.checks(certificate_id, limit, offset)


ROUTES = (
    list_certificates,
    create_certificate,
    get_certificate,
    update_certificate,
    delete_certificate,
    check_certificate,
    list_checks,
)
