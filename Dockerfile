ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
WORKDIR /app
COPY deploy/install.py deploy/uv.txt deploy/
COPY requirements.txt ./
RUN python deploy/install.py --venv .venv requirements.txt
COPY manage.py pyproject.toml ./
COPY accounts/ accounts/
COPY aistrale/ aistrale/
COPY audit/ audit/
COPY inference/ inference/
COPY listing/ listing/
COPY prompts/ prompts/
COPY static/ static/
COPY telemetry/ telemetry/
COPY templates/ templates/
COPY tokens/ tokens/
COPY webhooks/ webhooks/
COPY deploy/healthcheck.py deploy/
RUN AISTRALE_STATIC_DIR=/app/collected .venv/bin/python manage.py collectstatic --noinput --verbosity 0
RUN .venv/bin/python -m compileall -q -x "/[.]venv/" /app

FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY --from=build /app /app
# Any account of the group 0 may write there, as the account that reads the secrets differs from host to host.
RUN install -d -m 2770 -o 10001 -g 0 /data
ENV PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin
ENV HOME=/tmp
ENV PYTHONDONTWRITEBYTECODE=1
ENV AISTRALE_HOST=0.0.0.0
ENV AISTRALE_DATA_DIR=/data
ENV AISTRALE_STATIC_DIR=/app/collected
ENV AISTRALE_ENV_FILE=/dev/null
USER 10001:0
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "/app/deploy/healthcheck.py"]
CMD ["python", "manage.py", "serve"]
