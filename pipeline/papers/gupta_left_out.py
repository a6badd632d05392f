"""What Gupta, Sadana and Moudgil 2019 say that is no claim to be judged here, and why not."""

from __future__ import annotations

from pipeline.papers.paper import LeftOut

LEFT_OUT = (
    LeftOut(
        "Pictures of a high perceptual quality can be made with these networks.",
        "abstract",
        "Which networks is not said, and section 6 finds two of the four unfit. What either pair gives is judged.",
    ),
    LeftOut(
        "Programs have drawn since 1973, and networks see nearly as people do.",
        "section 1",
        "An introduction.",
    ),
    LeftOut(
        "Partial and spatial transfer, semantic masks, videos with consistency in time, doodles: what they give, and "
        "what goes wrong without them.",
        "section 2",
        "A review of other papers' methods, without settings or figures of this one's own.",
    ),
    LeftOut(
        "Styles can be mixed, and style traded against content.",
        "section 2",
        "A review of Gatys; the trade is judged among the claims of Xu, Shi and Pei.",
    ),
    LeftOut(
        "A transfer takes the painting's colours along, which can change a scene as nobody wants.",
        "section 2",
        "A review of Gatys. The pictures of the claim on colours show it, beside those that keep the content's.",
    ),
    LeftOut(
        "Luminance alone makes the problem smaller and loses how colours go with it; a transfer in matched colours "
        "has strokes like blotches of paint.",
        "section 2",
        "A review of Gatys, without figures. The first is so by construction where one channel is optimised; here "
        "three are, and their luminance is taken.",
    ),
    LeftOut(
        "A transfer has converged when the loss changed by no more than 0.01 % over 50 iterations.",
        "section 2",
        "A rule that Ruder's paper chose, not a finding; it is the setting stop_change here.",
    ),
    LeftOut(
        "MobileNet and Xception run on TensorFlow alone.",
        "section 3",
        "Of software of its time: Keras 3 has them for all its backends.",
    ),
    LeftOut(
        "Correlations of several layers hold a texture at many scales, and not how a picture is laid out.",
        "section 3.1",
        "Gatys' finding, retold without a figure. How large structures are is judged among Xu's claims.",
    ),
    LeftOut(
        "Theano computes on GPUs by itself, faster than on a processor.",
        "section 3.2",
        "Of software and machines of its time.",
    ),
    LeftOut(
        "The VGG networks do better because of how they are built: small kernels at every place take in more.",
        "section 3.3",
        "An explanation. Whether they do better is judged.",
    ),
    LeftOut(
        "Average pooling improves the flow of gradients.",
        "section 3.3",
        "No measure is given. What becomes of pictures is judged.",
    ),
    LeftOut(
        "The VGG network has about 160 million parameters; later networks recognise objects better.",
        "section 3.3",
        "Of recognition. Keras' VGG16 and VGG19 have 138 and 144 million, of which a transfer needs 15 and 20.",
    ),
    LeftOut(
        "How deep a network is matters much.",
        "section 3.3",
        "Of recognition, without a result. Of transfers the paper finds deeper networks unfit, which is judged.",
    ),
    LeftOut(
        "Adam and stochastic descent may take the place of L-BFGS.",
        "section 4",
        "Said in passing, without a result. Descent by gradients is compared.",
    ),
    LeftOut(
        "VGG19 is ahead of VGG16 because it is deeper, and VGG16 faster because it has fewer layers.",
        "sections 5 and 6",
        "Explanations, and section 6 finds deeper networks unfit. Which is ahead, and which is faster, is judged.",
    ),
    LeftOut(
        "Wide residual networks are worth trying.",
        "section 6",
        "A plan, without settings; no weights of one are within reach here.",
    ),
)
