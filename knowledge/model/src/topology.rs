//! The links of an inventory as a graph, and the questions that planning asks of it.
//!
//! Devices forward, hosts do not: a route may begin and end at a host and never passes one. Answers are the same for the
//! same inventory: where routes cost the same, the one whose names come first in the alphabet is first.

mod disjoint;

use crate::inventory::{End, Inventory};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// The graph of devices, hosts and links.
#[derive(Debug)]
pub struct Topology<'a> {
    names: Vec<&'a str>,
    index: BTreeMap<&'a str, usize>,
    forwards: Vec<bool>,
    /// For each node its links, by the neighbour's name.
    links: Vec<Vec<Edge<'a>>>,
}

/// One direction of a link.
#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    to: usize,
    cost: u32,
    here: &'a End,
    there: &'a End,
}

/// A way through the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The sum of the costs of its links.
    pub cost: u64,
    /// The links in order, each from the end that is nearer to the beginning.
    pub hops: Vec<(End, End)>,
}

/// What a route must not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Avoid {
    /// Devices that it must not pass.
    pub nodes: BTreeSet<String>,
    /// Interfaces whose links it must not use.
    pub interfaces: BTreeSet<End>,
}

/// What routes must not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// No link.
    Links,
    /// No device between the ends, and so no link.
    Nodes,
}

impl Route {
    /// The names of the nodes that it passes, both ends included.
    pub fn nodes(&self) -> Vec<&str> {
        let first = self.hops.first().map(|it| &*it.0.node);
        first
            .into_iter()
            .chain(self.hops.iter().map(|it| &*it.1.node))
            .collect()
    }
}

impl<'a> Topology<'a> {
    /// The graph of an inventory. Links to names that it does not have are left out.
    pub fn new(inventory: &'a Inventory) -> Self {
        let mut names: Vec<_> = inventory.nodes().collect();
        names.sort_unstable();
        names.dedup();
        let index: BTreeMap<_, _> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
        let forwards = names.iter().map(|it| inventory.device(it).is_some()).collect();
        let mut links = vec![Vec::new(); names.len()];
        for link in &inventory.links {
            let [a, b] = &link.ends;
            for (here, there) in [(a, b), (b, a)] {
                if let (Some(from), Some(to)) = (index.get(&*here.node), index.get(&*there.node)) {
                    links[*from].push(Edge {
                        to: *to,
                        cost: link.cost,
                        here,
                        there,
                    });
                }
            }
        }
        for edges in &mut links {
            edges.sort_by_key(|it| (it.to, it.cost, it.here));
        }
        Self {
            names,
            index,
            forwards,
            links,
        }
    }

    /// The links between two nodes, each with the end at `a` first.
    pub fn between(&self, a: &str, b: &str) -> Vec<(End, End)> {
        let (Some(a), Some(b)) = (self.index.get(a), self.index.get(b)) else {
            return Vec::new();
        };
        let edges = self.links[*a].iter().filter(|it| it.to == *b);
        edges.map(|it| (it.here.clone(), it.there.clone())).collect()
    }

    /// The nodes that a node has links to.
    pub fn neighbours(&self, name: &str) -> BTreeSet<&'a str> {
        let edges = self.index.get(name).map_or(&[][..], |it| &self.links[*it]);
        edges.iter().map(|it| self.names[it.to]).collect()
    }

    /// The cheapest route; none where there is no way.
    pub fn shortest(&self, from: &str, to: &str, avoid: &Avoid) -> Option<Route> {
        self.cheapest(from, to, avoid, 1).into_iter().next()
    }

    /// All routes that cost as little as the cheapest one, at most so many.
    pub fn cheapest(&self, from: &str, to: &str, avoid: &Avoid, most: usize) -> Vec<Route> {
        let (Some(from), Some(to)) = (self.index.get(from).copied(), self.index.get(to).copied()) else {
            return Vec::new();
        };
        let costs = self.costs_to(to, avoid);
        if let Some(cost) = costs[from] {
            let (hops, routes) = (Vec::new(), Vec::new());
            let mut walk = Walk {
                to,
                costs: &costs,
                avoid,
                cost,
                most,
                hops,
                routes,
            };
            self.follow(from, &mut walk);
            return walk.routes;
        }
        Vec::new()
    }

    /// The cheapest route that passes these nodes in this order and no node twice; each part is the cheapest that the
    /// parts before it leave.
    pub fn through(&self, from: &str, via: &[&str], to: &str, avoid: &Avoid) -> Option<Route> {
        let mut avoid = avoid.clone();
        let stops: Vec<_> = [from].into_iter().chain(via.iter().copied()).chain([to]).collect();
        let mut whole = Route {
            cost: 0,
            hops: Vec::new(),
        };
        for (index, leg) in stops.windows(2).enumerate() {
            let mut now = avoid.clone();
            now.nodes.extend(stops[index + 2..].iter().map(|it| (*it).to_owned()));
            let part = self.shortest(leg[0], leg[1], &now)?;
            let passed = part.nodes().into_iter().filter(|it| *it != leg[1]).map(str::to_owned);
            avoid.nodes.extend(passed);
            whole.cost += part.cost;
            whole.hops.extend(part.hops);
        }
        Some(whole)
    }

    /// At most so many routes that share nothing, as cheap together as can be; fewer where there are no more.
    pub fn disjoint(&self, from: &str, to: &str, apart: Apart, most: usize) -> Vec<Route> {
        match (self.index.get(from), self.index.get(to)) {
            (Some(from), Some(to)) if from != to => disjoint::routes(self, *from, *to, apart, most),
            (Some(_) | None, Some(_) | None) => Vec::new(),
        }
    }

    /// What it costs to reach a node from each node.
    fn costs_to(&self, to: usize, avoid: &Avoid) -> Vec<Option<u64>> {
        let mut costs = vec![None; self.names.len()];
        let mut open = BinaryHeap::from([Reverse((0, to))]);
        while let Some(Reverse((cost, node))) = open.pop() {
            if costs[node].is_some() {
                continue;
            }
            costs[node] = Some(cost);
            if node == to || self.forwards[node] {
                let edges = self.links[node].iter().filter(|it| self.allowed(it, avoid));
                let edges = edges.filter(|it| costs[it.to].is_none());
                open.extend(edges.map(|it| Reverse((cost + u64::from(it.cost), it.to))));
            }
        }
        costs
    }

    /// An edge whose link and far node are not to be avoided.
    fn allowed(&self, edge: &Edge<'_>, avoid: &Avoid) -> bool {
        let interfaces = avoid.interfaces.contains(edge.here) || avoid.interfaces.contains(edge.there);
        !interfaces && !avoid.nodes.contains(self.names[edge.to])
    }

    /// Every step that keeps to the cheapest cost, depth first, in the order of names.
    fn follow(&self, node: usize, walk: &mut Walk<'_>) {
        if walk.routes.len() >= walk.most {
            return;
        }
        if node == walk.to {
            walk.routes.push(Route {
                cost: walk.cost,
                hops: walk.hops.clone(),
            });
            return;
        }
        for edge in self.links[node].iter().filter(|it| self.allowed(it, walk.avoid)) {
            let left = walk.costs[edge.to].map(|it| it + u64::from(edge.cost));
            let passes = edge.to == walk.to || self.forwards[edge.to];
            if left.is_some() && left == walk.costs[node] && passes {
                walk.hops.push((edge.here.clone(), edge.there.clone()));
                self.follow(edge.to, walk);
                walk.hops.pop();
            }
        }
    }
}

/// A search under way.
struct Walk<'w> {
    to: usize,
    costs: &'w [Option<u64>],
    avoid: &'w Avoid,
    cost: u64,
    most: usize,
    hops: Vec<(End, End)>,
    routes: Vec<Route>,
}

#[cfg(test)]
mod tests;
