"""The company directory: departments, people, search, a person's card. Model: services and core; views: model and ui."""
