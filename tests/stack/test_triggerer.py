"""How often the embedded stack's triggerer looks while it has nothing to wait for."""

from conftest import result_of

PROGRAM = """
import asyncio, json
from airflow.jobs import triggerer_job_runner as module
from tsflow.stack import triggerer

asked, watched = [], []

class Supervisor:
    def load_triggers(self): asked.append("triggers")
    def clean_unused(self): asked.append("unused")

class TriggerRunner:
    def __init__(self): self.triggers, self.events, self.failed_triggers, self.stop = {}, [], [], False
    async def sync_state_to_supervisor(self, finished_ids): asked.append(finished_ids)
    async def block_watchdog(self): watched.append(len(self.triggers))

class Airflows:
    TriggerRunnerSupervisor, TriggerRunner = Supervisor, TriggerRunner

hooks = {
    name: [hook for hook in vars(ours(module)) if not hook.startswith("_") and hook != "loops" and not hasattr(theirs, hook)]
    for name, ours, theirs in (
        ("supervisor", triggerer.supervisor_of, module.TriggerRunnerSupervisor),
        ("runner", triggerer.runner_of, module.TriggerRunner),
    )
}

supervisor = triggerer.supervisor_of(Airflows)()
for _ in range(60):
    supervisor.load_triggers()
    supervisor.clean_unused()
loops = {name: asked.count(name) for name in ("triggers", "unused")}

async def loop(runner, finished=()):
    asked.clear()
    for _ in range(10):
        await runner.sync_state_to_supervisor(list(finished))
    return len(asked)

async def watch():
    runner = triggerer.runner_of(Airflows)()
    watching = asyncio.create_task(runner.block_watchdog())
    await asyncio.sleep(0)
    before = len(watched)
    runner.triggers[1] = "waits for a file"
    await watching
    return [before, len(watched)]

runner = triggerer.runner_of(Airflows)()
told = {"nothing": asyncio.run(loop(runner)), "finished": asyncio.run(loop(runner, [1]))}
for name in ("triggers", "events", "failed_triggers"):
    runner = triggerer.runner_of(Airflows)()
    setattr(runner, name, {1: "one"})
    told[name] = asyncio.run(loop(runner))
print("RESULT" + json.dumps({"hooks": hooks, "loops": loops, "told": told, "watched": asyncio.run(watch())}))
"""


def test_it_asks_less_often_until_it_has_a_trigger_and_tells_at_once_what_happened(airflow_environment: dict[str, str]):
    found = result_of(PROGRAM, airflow_environment)
    assert found["hooks"] == {"supervisor": [], "runner": []}, "Airflow has each of the methods that are overridden"
    assert found["loops"] == {"triggers": 12, "unused": 1}
    assert found["told"] == {"nothing": 2, "finished": 10, "triggers": 10, "events": 10, "failed_triggers": 10}
    assert found["watched"] == [0, 1], "whether one blocks the others is looked at once there is one"
