"""The official Python SDK as a function of Lambda."""

from mangum import Mangum
from python_echo import application

handler = Mangum(application("https://api.example.com/"), lifespan="off")
