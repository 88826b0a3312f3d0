print("resnetd")
