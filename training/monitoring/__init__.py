"""After deployment: have the leads changed, and are the probabilities still calibrated?"""
