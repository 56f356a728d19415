using System.Collections.Concurrent;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Tests.Persistence;

/// <summary>Whoever hands something in is served once, never beside one of the same lane, and never by more batches at once than there are places.</summary>
public sealed class GatheringTests
{
    [Theory]
    [InlineData(1, 64, 0)]
    [InlineData(1, 64, 1)]
    [InlineData(1, 3, 2)]
    [InlineData(3, 5, 1)]
    public async Task Items_OfManyCallers_AreServedOnceEach(int places, int most, int momentMilliseconds)
    {
        var random = new Random(places + most + momentMilliseconds);
        var (lanes, served) = (new ConcurrentDictionary<int, bool>(), new ConcurrentDictionary<Item, int>());
        var (batches, sizes, faults) = (0, new ConcurrentBag<int>(), new ConcurrentBag<string>());
        var gathering = new Gathering<Item>(places, most, TimeSpan.FromMilliseconds(momentMilliseconds), item => item.Lane, async batch =>
        {
            if (Interlocked.Increment(ref batches) > places)
            {
                faults.Add("more batches than places");
            }

            sizes.Add(batch.Count);
            foreach (var item in batch)
            {
                if (!lanes.TryAdd(item.Lane, true))
                {
                    faults.Add($"lane {item.Lane} twice");
                }

                served.AddOrUpdate(item, 1, (_, count) => count + 1);
            }

            await Task.Delay(batch.Count % 3);
            batch.ToList().ForEach(item => lanes.TryRemove(item.Lane, out _));
            Interlocked.Decrement(ref batches);
            batch.ToList().ForEach(item => item.Done.SetResult());
        });
        var seeds = Enumerable.Range(0, 24).Select(_ => random.Next()).ToArray();
        await Task.WhenAll(seeds.Select(seed => Task.Run(async () =>
        {
            var own = new Random(seed);
            for (var count = 0; count < 60; count++)
            {
                var item = new Item(own.Next(12));
                await gathering.GiveAsync(item);
                await item.Done.Task.WaitAsync(TimeSpan.FromSeconds(30));
            }
        })));
        Assert.Empty(faults);
        Assert.Equal(24 * 60, served.Count);
        Assert.All(served.Values, count => Assert.Equal(1, count));
        Assert.All(sizes, size => Assert.InRange(size, 1, most));
        Assert.Contains(sizes, size => size > 1);
    }

    /// <summary>Company makes the next batch wait for more: who comes within the moment goes with it.</summary>
    [Fact]
    public async Task Batch_BehindOneWithCompany_WaitsForMore()
    {
        var (batches, gate) = (new ConcurrentQueue<int>(), new TaskCompletionSource());
        List<Item> items = [.. Enumerable.Range(0, 7).Select(lane => new Item(lane))];
        Gathering<Item> gathering = null!;
        gathering = new Gathering<Item>(1, 64, TimeSpan.FromMilliseconds(500), item => item, async batch =>
        {
            batches.Enqueue(batch.Count);
            if (batches.Count == 1)
            {
                await gate.Task;
            }
            else if (batches.Count == 2)
            {
                await gathering.GiveAsync(items[5]);
            }

            batch.ToList().ForEach(item => item.Done.SetResult());
        });
        var given = items[..5].ConvertAll(gathering.GiveAsync);
        gate.SetResult();
        await items[4].Done.Task;
        given.Add(gathering.GiveAsync(items[6]));
        await Task.WhenAll([.. given, .. items.Select(item => item.Done.Task)]);
        Assert.Equal([1, 4, 2], batches);
    }

    private sealed record Item(int Lane)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Equals(Item? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
