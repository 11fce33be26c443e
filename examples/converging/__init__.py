"""Three backends behind one model, and how what is measured of them orders them."""
