"""Records, tools and ports of the domain. May import the standard library only; everyone may import it."""
