# One image for Airflow's parts, the workers and the object store. The slim variant of the official image: it brings
# Python 3.12, uv and dumb-init; every Python package comes from requirements.lock, by hash, into an environment of its own,
# so that nothing of the image's own packages is mixed in.
ARG AIRFLOW_IMAGE=apache/airflow:slim-3.3.2-python3.12

FROM ${AIRFLOW_IMAGE} AS build
USER root
RUN install -d -o airflow -g 0 /opt/tsflow
USER airflow
WORKDIR /opt/tsflow
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
COPY --chown=airflow:0 pyproject.toml requirements.lock README.md ./
# The lock as a constraint leaves out its developers' tools; its hashes are still demanded of every package.
RUN uv venv --python 3.12 .venv \
    && uv pip install --python .venv/bin/python --require-hashes --constraint requirements.lock \
        --requirement pyproject.toml --extra cluster --extra embedded
COPY --chown=airflow:0 src src
RUN uv pip install --python .venv/bin/python --no-deps --build-constraint requirements.lock .
COPY --chown=airflow:0 dags dags
COPY --chown=airflow:0 plugins plugins
RUN .venv/bin/python -m compileall -q dags plugins

FROM ${AIRFLOW_IMAGE}
USER root
# A fresh volume takes the owner of the folder that it covers.
RUN install -d -o airflow -g 0 -m 0750 /var/log/airflow /var/lib/tsflow/objects /var/lib/tsflow/passwords
# Owned by root: what runs cannot change its own code.
COPY --from=build --chown=root:0 /opt/tsflow/.venv /opt/tsflow/.venv
COPY --from=build --chown=root:0 /opt/tsflow/dags /opt/tsflow/dags
COPY --from=build --chown=root:0 /opt/tsflow/plugins /opt/tsflow/plugins
COPY include /opt/tsflow/include
COPY deploy/initialise.py deploy/serve_objects.py /opt/tsflow/deploy/
USER airflow
WORKDIR /opt/tsflow
ENV PATH=/opt/tsflow/.venv/bin:${PATH} \
    VIRTUAL_ENV=/opt/tsflow/.venv \
    TSFLOW_HOME=/opt/tsflow
# Not the image's /entrypoint: it asks for the database, which the workers do not know.
ENTRYPOINT ["/usr/bin/dumb-init", "--"]
CMD ["airflow", "version"]
