"""The embedded stack: object store and Airflow under one supervisor."""
