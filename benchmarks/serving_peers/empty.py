"""An empty FastAPI route: the ceiling of the framework on this machine."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/empty")
async def empty() -> dict[str, str]:
    return {}
