"""A page of the chat area; the chat page puts it together with the others."""
