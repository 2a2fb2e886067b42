"""The BentoML service and its page. It runs without torch, MLflow, Metaflow, Optuna, Evidently."""
