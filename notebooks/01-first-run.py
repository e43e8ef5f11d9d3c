# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first run
#
# We train a small convolutional network to read handwritten digits, with every step written out: look at the
# data, define the network, train it, and look closely at what it has learned. It takes about 20 seconds on a
# laptop and needs no download.

# %%
import minicnn
from minicnn import data, nn, optim, viz
from minicnn.train import Epoch, History, evaluate

minicnn.manual_seed(0);

# %% [markdown]
# ## 1. The data
#
# `Digits` is a part of MNIST that comes with the package: 10,000 pictures to train on and 2,000 to test with.
# Each has 28×28 pixels and one channel (grey). `tensors()` returns all of them at once, shifted and scaled so that
# their pixels have mean 0 and standard deviation 1, which makes training easier.

# %%
x, y = data.Digits(train=True).tensors()
x_test, y_test = data.Digits(train=False).tensors()
print("training:", x.shape, "test:", x_test.shape)

# %%
viz.image_grid(x[:16], titles=[str(label) for label in y[:16].tolist()])

# %% [markdown]
# We hold out a tenth of the training pictures to **validate** with: they show during training how well the network
# does on pictures that it has not seen. The test pictures stay untouched until the end. `drop_last=True` leaves out an
# epoch's last batch: it has 40 pictures only, so its gradient would be noisier than the others' and count as much.

# %%
training_set, validation_set = data.random_split(data.TensorDataset(x, y), [9000, 1000])
train_loader = data.DataLoader(training_set, batch_size=64, shuffle=True, drop_last=True)
val_loader = data.DataLoader(validation_set, batch_size=500)
test_loader = data.DataLoader(data.TensorDataset(x_test, y_test), batch_size=500)

# %% [markdown]
# ## 2. The network
#
# LeNet-5, from 1998. Two convolutions look for small patterns, first strokes and then combinations of strokes;
# pooling after each halves the size of the picture. Three linear layers turn what was found into one number a
# digit, the *logits*: the largest one is the answer. The comments give the shape after each step, for a batch of
# `N` pictures.


# %%
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):  # (N, 1, 28, 28)
        x = self.pool(self.conv1(x).relu())  # (N, 6, 14, 14)
        x = self.pool(self.conv2(x).relu())  # (N, 16, 5, 5)
        x = x.flatten(1)  # (N, 400)
        x = self.fc1(x).relu()  # (N, 120)
        x = self.fc2(x).relu()  # (N, 84)
        return self.fc3(x)  # (N, 10)


model = LeNet()
print(model)
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

# %% [markdown]
# ## 3. Training
#
# For every batch: compute the logits, measure how wrong they are (the *loss*), compute the gradient of the loss for
# every parameter (`loss.backward()`), and take a small step against it (`optimizer.step()`). The *learning rate*
# says how small; the one-cycle schedule raises it at first and then lowers it towards zero.
#
# `AdamW` also divides each parameter's step by how large its gradients have been lately, and shrinks all weights a
# little every time. `model.train()` and `model.eval()` tell the layers whether they are being trained: dropout and
# batch normalization do something else then. LeNet has neither, but it is a good habit.

# %%
import sys
import time

from tqdm import tqdm

epochs = 6
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.AdamW(model.parameters(), lr=4e-3)
schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=epochs * len(train_loader))
history = History()

for epoch in range(1, epochs + 1):
    start = time.perf_counter()
    loss_sum = hits = count = 0
    model.train()
    for images, labels in tqdm(train_loader, desc=f"epoch {epoch}/{epochs}", file=sys.stdout, ncols=80, mininterval=1):
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_fn(logits, labels)
        loss.backward()
        optimizer.step()
        schedule.step()

        loss_sum += loss.item() * len(labels)
        hits += (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    val = evaluate(model, val_loader)
    lr = optimizer.param_groups[0]["lr"]
    seconds = time.perf_counter() - start
    history.rows.append(Epoch(epoch, loss_sum / count, hits / count, val.loss, val.accuracy, lr, seconds))
    print(f"    training loss {loss_sum / count:.3f}, validation accuracy {val.accuracy:.1%}")

# %% [markdown]
# The curves should fall (loss) and rise (accuracy). Where training goes on improving and validation does not, the
# network begins to learn the training pictures by heart: it *overfits*.

# %%
viz.curves(history)

# %% [markdown]
# ## 4. The test
#
# Now, once, the pictures that the network has never seen.

# %%
test = evaluate(model, test_loader)
print(f"test accuracy {test.accuracy:.2%}")

# %% [markdown]
# The confusion matrix shows which digits are taken for which: the rows are what a picture is, the columns what the
# network says. Everything off the diagonal is a mistake.

# %%
viz.confusion_matrix(test.confusion)

# %% [markdown]
# Here are some of the mistakes. Would you have known?

# %%
model.eval()
with minicnn.no_grad():
    predicted = model(x_test).argmax(1).tolist()
wrong = [i for i, label in enumerate(y_test.tolist()) if predicted[i] != label][:16]
viz.image_grid(x_test[wrong], titles=[f"{y_test[i].item()}, not {predicted[i]}" for i in wrong])

# %% [markdown]
# ## 5. What the first layer looks for
#
# The six kernels of the first convolution, 5×5 weights each. Where a kernel is red, bright pixels raise its output;
# where it is blue, they lower it. Some answer to an edge or a stroke in one direction; others are hard to name.

# %%
viz.filters(model.conv1.weight)

# %% [markdown]
# Below is what they answer to the first test picture: the six channels that the next layer gets to see.

# %%
with minicnn.no_grad():
    channels = model.conv1(x_test[:1]).relu()[0]
viz.image_grid([x_test[0, 0].numpy(), *channels.numpy()], titles=["picture", *(f"kernel {i}" for i in range(6))])

# %% [markdown]
# ## Things to try
#
# - More epochs, or `nn.Tanh` and `nn.AvgPool2d` in place of ReLU and max pooling, as in 1998.
# - `data.FashionMNIST(...)` in place of `Digits`: clothes are harder than digits.
# - `minicnn train` in a terminal does all of this, and reads about 99% of the test digits: it trains for longer, with a
#   higher peak of the one-cycle schedule; it moves the pictures by a few pixels at random, so that the network rarely
#   sees the same one twice; and it smooths the labels, which asks for 98% certainty in place of 100%.
