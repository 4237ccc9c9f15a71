"""Who or what caused a change, as far as records say so."""
