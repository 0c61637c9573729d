"""Meetings: the page of running meetings, the lobby and the stage. Models use services, views use ui; no feature is imported."""
