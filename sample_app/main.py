"""Where the service starts: `uvicorn sample_app.main:app`, in Lambda `sample_app.main.handler`.

Importing it does nothing yet: the application is made when the server or the function starts.
"""

from cqrs_nest.app import CqrsNest, create_handler
from sample_app.main_module import MainModule
from sample_app.settings import Settings

app = CqrsNest.asgi(MainModule, env=Settings)
handler = create_handler(root_module=MainModule, env=Settings)
