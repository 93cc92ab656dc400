"""Reliability: Jobs, CronJobs, and how pods end."""

from seawall.core.fix import Plan, Remove, Set
from seawall.core.pod import Pod
from seawall.core.resource import Resource
from seawall.core.severity import Severity
from seawall.core.verdict import Failure, Verdicts
from seawall.deploy.workload.check import pod_rule, resource_rule


@pod_rule(
    "restart-policy",
    "Restart policy unset or unsuitable",
    # Info: the default is right for everything but Jobs, which cannot use it.
    Severity.INFO,
    category="reliability",
    by_default=False,
    aliases={"kube-linter": "restart-policy"},
    controls={"cis-docker-1.6": "5.15"},
    parameters={"allowed": "The restart policies that pass."},
)
def restart_policy(pod: Pod, *, allowed: tuple[str, ...] = ("Always", "OnFailure")) -> Verdicts:
    """
    What it finds: A workload whose restartPolicy is unset or not among the allowed.
    Why it matters: Without a restart a crash is final until somebody looks.
    How to fix: Set restartPolicy to Always, or OnFailure for Jobs.
    Exceptions: Pods that must not run twice. Jobs with Never and a backoffLimit make a new pod for each try.
    """
    field = pod.spec["restartPolicy"]
    if field.text not in allowed:
        yield Failure(field, f"{pod} {'has no restartPolicy' if not field.text else f'uses restartPolicy {field.text}'}")


@resource_rule(
    "cronjob-restart-policy",
    "CronJob cannot use this restart policy",
    # Medium: the API server refuses the object.
    Severity.MEDIUM,
    category="reliability",
    kinds=("CronJob",),
    aliases={"kube-score": "cronjob-restartpolicy"},
)
def cronjob_restart_policy(resource: Resource) -> Verdicts:
    """
    What it finds: A CronJob whose pod template has no restartPolicy, or one that is neither OnFailure nor Never.
    Why it matters: The default, Always, is not allowed for Jobs: the API server refuses the object.
    How to fix: Set restartPolicy to OnFailure or Never.
    Exceptions: None; it does not work.
    """
    field = resource.field("spec", "jobTemplate", "spec", "template", "spec", "restartPolicy")
    if field.text not in ("OnFailure", "Never"):
        plan = Plan("set restartPolicy to OnFailure", (Set(field, "OnFailure"),))
        yield Failure(field, f"CronJob {resource.name} {'sets no restartPolicy' if not field.text else f'sets restartPolicy {field.text}'}", plan)


@resource_rule(
    "cronjob-deadline",
    "CronJob without a starting deadline",
    # Low: after a long outage the controller gives up on the job, or runs what is long out of date.
    Severity.LOW,
    category="reliability",
    kinds=("CronJob",),
    by_default=False,
    aliases={"kube-score": "cronjob-has-deadline", "kics": "cronjob_deadline_not_configured"},
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#starting-deadline",),
)
def cronjob_deadline(resource: Resource) -> Verdicts:
    """
    What it finds: A CronJob without startingDeadlineSeconds.
    Why it matters: When more than 100 runs were missed the controller starts no further one, and a run that comes hours late may do harm.
    How to fix: Set startingDeadlineSeconds to how late a run may start.
    Exceptions: Jobs that must run, however late.
    """
    field = resource.field("spec", "startingDeadlineSeconds")
    if not field.is_set:
        yield Failure(field, f"CronJob {resource.name} has no startingDeadlineSeconds")


@resource_rule(
    "cronjob-present",
    "A CronJob exists",
    # Info: nothing is wrong with it; a review of persistence wants the list.
    Severity.INFO,
    category="reliability",
    kinds=("CronJob",),
    by_default=False,
    aliases={"kubescape": "C-0026"},
)
def cronjob_present(resource: Resource) -> Verdicts:
    """
    What it finds: Every CronJob.
    Why it matters: A schedule is a quiet way to come back after an attacker was thrown out, so a review asks whether each one is known.
    How to fix: Nothing, when it is known. Delete it when nobody owns it.
    Exceptions: This is a list for a review, not a fault.
    """
    yield Failure(resource.field("kind"), f"CronJob {resource.name} runs on schedule {resource.field('spec', 'schedule').text!r}")


@resource_rule(
    "job-ttl",
    "Finished Jobs are kept for ever",
    # Low: they pile up in etcd.
    Severity.LOW,
    category="reliability",
    kinds=("Job", "CronJob"),
    by_default=False,
    aliases={"kube-linter": "job-ttl-seconds-after-finished"},
    references=("https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/",),
)
def job_ttl(resource: Resource) -> Verdicts:
    """
    What it finds: A Job of its own without ttlSecondsAfterFinished, or a CronJob whose template sets it.
    Why it matters: Finished Jobs and their pods stay for ever. Those of a CronJob are already limited by its history limits, and a time to live
        deletes the history that the limits promise to keep.
    How to fix: Set ttlSecondsAfterFinished on Jobs; leave it to the history limits on CronJobs.
    Exceptions: Jobs that a controller creates and cleans up (ownerReferences).
    """
    if resource.kind == "CronJob":
        field = resource.field("spec", "jobTemplate", "spec", "ttlSecondsAfterFinished")
        if field.is_set:
            plan = Plan("remove it; successfulJobsHistoryLimit and failedJobsHistoryLimit clean up", (Remove(field),), safe=True)
            yield Failure(field, f"CronJob {resource.name} sets ttlSecondsAfterFinished beside its history limits", plan)
        return
    field = resource.field("spec", "ttlSecondsAfterFinished")
    if resource.group == "batch" and not field.is_set and not resource.field("metadata", "ownerReferences").value:
        yield Failure(field, f"Job {resource.name} stays for ever after it has finished")
