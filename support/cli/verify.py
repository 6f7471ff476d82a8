"""Say of each framework whether it is as fast and as accurate here as expected, or why not."""

import argparse

from support.cli import choices
from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_selection(parser)
    extent = parser.add_argument_group("what a run computes")
    shared.add_extent(extent)
    shared.add_precision(extent)
    shared.add_data_dir(extent)
    shared.add_how(parser)
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON")


def run(options: argparse.Namespace) -> int:
    from support.cli.job_runs import only_shows, run_jobs
    from support.verdict import verify

    settings, pairs = choices.chosen(options, "real")
    verification = verify.Verification(
        pairs, settings, named=bool(options.model), again=options.force
    )
    jobs = verification.jobs(options.repeats)
    if jobs and only_shows(jobs, options):
        return 0
    failed = {}
    if jobs:
        outcomes = run_jobs(jobs, options, stderr=options.json)
        failed = outcomes.failed
    found, device = verification.findings(failed), verification.device_finding()
    if options.json:
        print(verify.as_json(found, verification.left_out, settings.device, device))
    else:
        print(verify.as_text(found, verification.left_out, device))
    return verify.exit_status(found, device)
