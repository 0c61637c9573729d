"""WeLink Desktop: encrypted chat, company directory and meetings in one Qt application.

Layers, outside in: `app` wires everything; `features` are what a person sees; `services` are use
cases; `core` holds records, tools and ports; `adapters` know one outside thing each. Facts flow
out, wishes flow in (see README, "The layers").
"""

__version__ = "0.1.0"
APPLICATION_ID = "io.welinkdesktop"
