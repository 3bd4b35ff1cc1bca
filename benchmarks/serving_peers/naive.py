"""What most tutorials build: FastAPI, pydantic, pandas, a scikit-learn pipeline."""

import os
from datetime import datetime

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["PEER_MODEL"])
NAMES = list(model.feature_names_in_)
WINDOWS = (1, 7, 30)


class Interaction(BaseModel):
    kind: str
    occurred_at: datetime
    duration_s: float | None = None
    event_id: str | None = None


class Lead(BaseModel):
    lead_id: str
    created_at: datetime
    as_of: datetime
    attributes: dict[str, float | str | bool | None] = {}
    answers: list[dict[str, object]] = []
    interactions: list[Interaction] = []


@app.post("/score")
def score(lead: Lead) -> dict[str, object]:
    frame = pd.DataFrame([i.model_dump() for i in lead.interactions])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True)
    row: dict[str, float] = {}
    for days in WINDOWS:
        recent = frame[frame["occurred_at"] >= lead.as_of - pd.Timedelta(days=days)]
        for kind, count in recent.groupby("kind").size().items():
            row[f"{kind}_{days}"] = count
    features = pd.DataFrame([row]).reindex(columns=NAMES).fillna(0.0)
    return {"lead_id": lead.lead_id, "probability": float(model.predict_proba(features)[0, 1])}
