"""A notifier of Airflow's kind that posts an alert to an address, as chat rooms and pagers take it."""

from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import BaseNotifier


class WebhookNotifier(BaseNotifier):
    """Post `{"text": ...}` as JSON; any answer but 2xx is an error, so that the task is tried again.

    Parameters
    ----------
    url
        Where to; keep secrets in it out of files by an environment variable of the settings.
    text
        What to say; `{{ alert }}` in the settings stands for the alert.
    """

    template_fields = ("text",)

    def __init__(self, url: str, text: str = "{{ alert }}", timeout_seconds: float = 10.0) -> None:
        super().__init__()
        self.url, self.text, self.timeout_seconds = url, text, timeout_seconds

    def notify(self, context: Any) -> None:  # what every notifier is called with
        """Post the text."""
        import requests

        try:
            status = requests.post(self.url, json={"text": self.text}, timeout=self.timeout_seconds).status_code
        except requests.RequestException as error:  # it says the whole address, and so would the task's log
            msg = f"the webhook at {urlsplit(self.url).hostname} gives no answer ({type(error).__name__})"
            raise RuntimeError(msg) from None
        if not 200 <= status < 300:
            msg = f"the webhook at {urlsplit(self.url).hostname} answered {status}; the alert was not taken"
            raise RuntimeError(msg)
