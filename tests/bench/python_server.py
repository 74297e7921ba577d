"""The official Python server. Prints its address first."""

import socket

import uvicorn
from python_echo import application

listener = socket.create_server(("127.0.0.1", 0))
address = "127.0.0.1:%d" % listener.getsockname()[1]
app = application(f"http://{address}/")
print(address, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])
