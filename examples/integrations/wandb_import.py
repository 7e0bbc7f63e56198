# python wandb_import.py history.jsonl my-project
# W&B reads its key from the variable WANDB_API_KEY. With WANDB_MODE=offline, nothing is sent.
import json
import sys

import wandb

path, project = sys.argv[1:]
with open(path) as lines, wandb.init(project=project) as run:
    for epoch in map(json.loads, lines):
        values = {name: value for name, value in epoch.items() if value is not None}
        run.log(values, step=epoch["epoch"])
        if epoch["is_kept"]:
            run.summary["kept_epoch"] = epoch["epoch"]
