"""A finished run's record with round figures, for tests of what is made from records."""

RECORD = {
    "framework": "PyTorch",
    "model": "CNN",
    "status": "ok",
    "reason": "",
    "device": "Toy GPU",
    "data": "real",
    "epochs": 10,
    "precision": "fp32",
    "seconds": 50.0,
    "epoch_seconds": [9.0] + [4.5] * 9,
    "throughput": 9996.8,
    "accuracy": 0.775,
    "parameters": 3441592,
    "weights": "seed 42",
    "versions": {"PyTorch": "2.13.0"},
    "hardware": {
        "cpu": "Toy CPU",
        "cores": 4,
        "memory_gib": 8,
        "system": "Linux",
        "gpus": [],
    },
    "repeat": 1,
    "executed": "notebooks/PyTorch_CNN_10-epochs_fp32_run-1.ipynb",
    "warnings": [],
}
