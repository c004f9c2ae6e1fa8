# The operator. Its dependencies come first, in a layer that changes with the lock file only.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS dependencies
ARG UV_VERSION=0.13.8
# How the building machine reaches its package registry. These, and the certificates that it trusts, stay in this stage.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG UV_DEFAULT_INDEX
ARG UV_INDEX
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY handlers_image/pyproject.toml handlers_image/
COPY operator/pyproject.toml operator/
RUN --mount=type=secret,id=certificates \
    if [ -s /run/secrets/certificates ]; then \
        export PIP_CERT=/run/secrets/certificates SSL_CERT_FILE=/run/secrets/certificates; \
    fi \
    && python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir "uv==${UV_VERSION}" \
    && /opt/uv/bin/uv sync --frozen --no-dev --no-install-workspace --no-build --no-cache --compile-bytecode

FROM ${BASE_IMAGE}
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONPATH=/opt/kubesaga \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=dependencies /opt/venv /opt/venv
COPY operator/kubesaga /opt/kubesaga/kubesaga
# The import tells here, and not in the cluster, that BASE_IMAGE lacks a library (libstdc++) that a wheel is linked to.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/kubesaga \
    && python -c 'import cel_expr_python.cel, jsonschema_rs'
USER 65532:65532
ENTRYPOINT ["python", "-m", "kubesaga.runtime"]
