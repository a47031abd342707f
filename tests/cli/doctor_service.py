"""The application of the doctor's tests: it uses everything that is looked for."""

from __future__ import annotations

from cqrs_nest.app import CqrsNest
from cqrs_nest.aws import AwsResources, QueueResource
from cqrs_nest.common import Module, provide
from cqrs_nest.cqrs import CqrsModule
from cqrs_nest.pipeline import PipelineModule
from cqrs_nest.read_models import SqlModule

RESOURCES = AwsResources(queues=[QueueResource("jobs", ["job-done", "job-failed"])])


@Module(
    imports=[
        CqrsModule.register(table_name="job"),
        PipelineModule.for_root(driver="step-functions"),
        SqlModule.register(),
    ],
    providers=[provide(AwsResources, use_value=RESOURCES)],
)
class DoctorModule: ...


app = CqrsNest.asgi(DoctorModule)
