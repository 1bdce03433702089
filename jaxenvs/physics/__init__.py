"""Engines that step physical models."""
