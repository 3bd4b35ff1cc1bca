"""Airflow 3: retrain every Monday. The worker needs the whole leadscore and LEADSCORE_HOME."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="leadscore_retrain",
    schedule="17 3 * * 1",
    start_date=datetime(2026, 1, 5),
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="retrain",
        # the one line on stdout, the outcome, becomes the XCom of the task
        bash_command=(
            "leadscore retrain sqlite:////var/lib/leadscore/store.db --least-outcomes 50"
        ),
        env={"LEADSCORE_HOME": "/var/lib/leadscore"},
        append_env=True,
        skip_on_exit_code=6,  # no new outcomes
        retries=0,  # the gate says the same of the same data
        execution_timeout=timedelta(hours=4),
    )
