"""360 pictures: equirectangular panoramas become rigs of pinhole views."""
